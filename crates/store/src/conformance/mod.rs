//! The one suite that every engine passes. An engine invokes [`crate::conformance!`] in its tests
//! with a function that makes an empty database, and gets one test for each sentence.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends")]
#![expect(missing_docs, reason = "the sentences say it")]

pub mod isolation;
pub mod jobs;
pub mod lists;
pub mod log;
pub mod lookups;
pub mod model;
pub mod proofs;
pub mod records;
pub mod turns;
pub mod units;
mod world;

pub use world::World;

/// Makes one test of each sentence of the suite. The argument is the name of a function beside it:
///
/// ```text
/// async fn empty(clock: Arc<ManualClock>) -> (Arc<dyn Engine>, impl Any + Send + Sync)
/// ```
///
/// It makes an engine with an empty database that takes its time from the clock. What it gives besides is
/// dropped when the test ends.
#[macro_export]
macro_rules! conformance {
    ($empty:ident) => {
        $crate::sentences! { $empty:
            records {
                a_record_is_read_back_as_it_was_written
                a_record_exists_once
                a_version_that_is_not_the_newest_is_refused
                what_is_gone_cannot_be_changed
                a_record_is_removed_and_made_anew
                concurrent_changes_let_one_through
                only_what_expired_is_swept_away
                what_another_changed_is_seen_by_whoever_read_it_before
                nobody_reads_what_was_before_a_change_that_is_acknowledged
            }
            units {
                a_unit_that_does_nothing_is_applied
                one_conflict_refuses_the_whole_unit
                an_expectation_changes_nothing_and_holds
                what_is_expected_not_to_be_there_has_its_key_taken_if_it_is
                a_record_is_replaced_within_one_unit
                units_at_once_are_all_applied
            }
            lookups {
                a_value_is_unique_in_its_place
                a_value_is_unique_everywhere
                two_records_swap_a_value_in_one_unit
                a_value_is_free_again_when_its_record_lets_go
                one_unit_cannot_take_a_value_twice
                what_many_share_is_listed_and_not_found
                a_record_is_found_by_what_it_says_now
                a_value_that_is_said_twice_counts_once
            }
            lists {
                parts_make_up_the_whole
                every_record_is_read_past_the_first_part
                parts_make_up_the_whole_of_what_a_lookup_finds
                lists_that_look_anywhere_go_by_place_and_key
                keys_sort_as_bytes
                counts_agree_with_lists
            }
            jobs {
                a_job_is_claimed_once
                those_that_have_been_due_the_longest_come_first
                a_worker_gets_only_what_it_can_do
                a_lapsed_lease_is_taken_over_and_the_old_one_is_worth_nothing
                a_unit_is_applied_under_a_lease_that_nobody_else_has
                a_job_is_ended_under_its_own_lease
                a_lease_is_prolonged
                a_lapsed_lease_that_nobody_took_still_ends_its_job
                failures_are_counted_and_forgotten
                a_dead_job_is_seen_and_revived
                a_waiting_job_is_done_at_once
                finished_jobs_are_forgotten
                jobs_are_shown_the_newest_first
                a_job_is_added_with_its_unit_or_not_at_all
            }
            turns {
                a_waiting_job_takes_in_another_with_its_key
                a_running_job_runs_once_more
                keys_of_different_kinds_and_organisations_do_not_meet
                a_dead_job_makes_way_for_another_with_its_key
                whoever_waits_is_woken
                the_next_job_is_announced
            }
            log {
                entries_are_numbered_without_gap_by_all_who_write
                a_refused_unit_leaves_the_log_as_it_was
                an_entry_is_read_back_and_checked
                entries_are_found_by_what_they_carry
                entries_are_shown_in_parts
                entries_are_counted_by_time
                checkpoints_only_grow
                logs_that_nobody_signed_are_known
                what_was_withheld_is_destroyed
                what_was_kept_long_enough_is_removed
                however_many_there_are_all_are_removed_with_their_terms
            }
            proofs {
                every_proof_of_a_log_verifies
                proofs_verify_when_texts_are_gone
            }
            isolation {
                an_organisation_sees_nothing_of_another
            }
            model {
                any_units_do_what_the_model_says
            }
        }
    };
}

/// One test for each sentence.
#[doc(hidden)]
#[macro_export]
macro_rules! sentences {
    ($empty:ident: $($theme:ident { $($sentence:ident)* })*) => {$(
        mod $theme {$(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $sentence() {
                let clock = $crate::conformance::World::clock();
                let (engine, kept) = super::$empty(::std::sync::Arc::clone(&clock)).await;
                let world = $crate::conformance::World::new(engine, clock, kept);
                $crate::conformance::$theme::$sentence(world).await;
            }
        )*}
    )*};
}

#[cfg(test)]
mod tests {
    /// A sentence that no engine is tested by would say nothing.
    #[test]
    fn no_sentence_is_forgotten() {
        let (listed, _) = include_str!("mod.rs").split_once("#[cfg(test)]").unwrap();
        let themes = [
            include_str!("isolation.rs"),
            include_str!("jobs.rs"),
            include_str!("lists.rs"),
            include_str!("log.rs"),
            include_str!("lookups.rs"),
            include_str!("model.rs"),
            include_str!("proofs.rs"),
            include_str!("records.rs"),
            include_str!("turns.rs"),
            include_str!("units.rs"),
        ];
        for line in themes.iter().flat_map(|theme| theme.lines()) {
            let Some(sentence) = line.strip_prefix("pub async fn ") else { continue };
            let name = sentence.split('(').next().unwrap();
            assert!(listed.lines().any(|line| line.trim() == name), "{name} is not listed");
        }
    }
}

//! What is read in one pass is what serde reads, whatever stands there.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::str::FromStr;
use std::sync::Arc;

use attache_terms::{ManualClock, SeededRng};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::super::commitment::Opening;
use super::super::leaf::{Leaf, column};
use super::super::{
    Act, ActName, Actor, By, Code, Composer, Correlation, Entry, Event, Name, Repair, RequestId, Target,
    Thing,
};
use super::*;

/// The leaf and its column.
type Text = (String, String);

fn reads((leaf, column): &Text) -> Option<Brief> {
    let brief = read(leaf, column)?;
    let slowly = Entry::decode(leaf, column).map(|entry| Brief::of(&entry));
    assert_eq!(slowly, Ok(brief), "{leaf}\n{column}");
    Some(brief)
}

fn uuid() -> impl Strategy<Value = Uuid> {
    any::<u128>().prop_map(Uuid::from_u128)
}

fn name<T: FromStr<Err: Debug> + Debug>() -> impl Strategy<Value = T> {
    "[A-Za-z0-9._-]{1,64}".prop_map(|text| text.parse().unwrap())
}

fn time() -> impl Strategy<Value = Timestamp> {
    let range = Timestamp::MIN.as_nanosecond()..=Timestamp::MAX.as_nanosecond();
    let recent = (0i64..4_000_000_000, select(vec![0, 5_000_000, 123_456_789]));
    prop_oneof![
        recent.prop_map(|(second, nanosecond)| Timestamp::new(second, nanosecond).unwrap()),
        range.prop_map(|nanosecond| Timestamp::from_nanosecond(nanosecond).unwrap()),
    ]
}

fn event() -> impl Strategy<Value = Event> {
    let verdict = || select(vec![Verdict::Done, Verdict::Failed, Verdict::Refused, Verdict::Unknown]);
    let (act, code) = (name::<ActName>, || option::of(name::<Code>()));
    let intent = || uuid().prop_map(EntryId::from);
    let number = any::<u64>;
    prop_oneof![
        act().prop_map(|act| Event::Intent { act }),
        (act(), intent(), verdict(), code()).prop_map(|(act, intent, verdict, code)| Event::Outcome {
            act,
            intent,
            verdict,
            code
        }),
        (act(), name()).prop_map(|(act, code)| Event::Refusal { act, code }),
        (act(), verdict(), code()).prop_map(|(act, verdict, code)| Event::Change { act, verdict, code }),
        (number(), number(), any::<[u8; 32]>()).prop_map(|(offset, removed, digest)| {
            Event::Repair(Repair { offset, removed, digest: digest.into() })
        }),
        number().prop_map(|entries| Event::Erasure { entries }),
        (number(), number(), number()).prop_map(|(from, to, entries)| Event::Retention(Retention {
            from,
            to,
            entries
        })),
    ]
}

/// A field that is withheld, its value, and whether that is still there. The value may be none of such a field.
fn withheld() -> impl Strategy<Value = (Field, (String, bool))> {
    const GUID: &str = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}";
    let right = prop_oneof![
        (select(vec![Field::User, Field::TargetUser]), GUID),
        (Just(Field::Chat), "19:[a-f0-9]{32}@thread\\.v2"),
        (Just(Field::Message), "[0-9]{1,20}"),
        (Just(Field::From), "192\\.0\\.2\\.[1-9]|2001:db8::[1-9]"),
        (select(vec![Field::By, Field::Subject]), "[a-zé ]{0,20}"),
    ];
    let fields = vec![Field::User, Field::Chat, Field::TargetUser, Field::By, Field::From, Field::Subject];
    let any = (select(fields), any::<String>());
    (prop_oneof![4 => right, 1 => any], prop::bool::weighted(0.8))
        .prop_map(|((field, value), is_kept)| (field, (value, is_kept)))
}

/// An entry with all that an entry can have, and some that none has.
fn entry() -> impl Strategy<Value = Text> {
    let mode = select(vec![Mode::Sponsor, Mode::AgentUser, Mode::Application]);
    let by = select(vec![ByKind::Person, ByKind::Key, ByKind::Agent, ByKind::System, ByKind::Operator]);
    let thing = (name::<Name>(), name::<Name>()).prop_map(|(kind, id)| Thing { kind, id });
    let begins = (1u32..=2, any::<u64>(), uuid(), time(), uuid(), event());
    let who = (option::of(uuid()), option::of(uuid()), option::of(mode), option::of(by), option::of(uuid()));
    let found = (option::of(uuid()), option::of(name()), option::of(name()), option::of(uuid()));
    let beside = prop::collection::vec(withheld(), 0..5);
    (begins, who, prop::collection::vec(thing, 0..3), found, beside).prop_map(
        |(
            (v, seq, id, time, writer, event),
            (tenant, agent, mode, by, object),
            things,
            (client_request_id, request_id, token_request_id, request),
            beside,
        )| {
            let beside: BTreeMap<Field, (String, bool)> = beside.into_iter().collect();
            let rng = SeededRng::new(seq);
            let opened = beside
                .into_iter()
                .map(|(field, (value, is_kept))| (field, Opening::new(value, &rng), is_kept));
            let opened: Vec<(Field, Opening, bool)> = opened.collect();
            let leaf = Leaf {
                v,
                seq,
                id: id.into(),
                time,
                writer: writer.into(),
                event,
                tenant: tenant.map(attache_terms::TenantId::new),
                agent: agent.map(attache_terms::ObjectId::new),
                mode,
                by,
                object: object.map(attache_terms::ObjectId::new),
                things,
                client_request_id,
                request_id,
                token_request_id,
                request,
                withheld: opened.iter().map(|(field, value, _)| (*field, value.commitment())).collect(),
            };
            let kept = opened.into_iter().filter(|(_, _, is_kept)| *is_kept);
            let openings = kept.map(|(field, value, _)| (field, value)).collect();
            (serde_json::to_string(&leaf).unwrap(), column(&openings))
        },
    )
}

/// What is put in: anything, and what JSON means something by.
fn noise() -> impl Strategy<Value = String> {
    let json = [
        "",
        "\"",
        "\\",
        ",",
        ":",
        "{",
        "}",
        "[",
        "]",
        " ",
        "\t",
        "0",
        "9",
        "-",
        "+",
        ".5",
        "e1",
        "null",
        "{}",
        "[]",
        "\\u0041",
        "\\\"",
        "=",
        "\u{7f}",
        "\u{85}",
        "A",
        "T",
        "Z",
        "\"by\":\"person\",",
        ",\"seq\":1",
        "\"x\":[1],",
    ];
    prop_oneof![3 => select(json.map(str::to_owned).to_vec()), 1 => "\\PC{1,3}", 1 => any::<String>()]
}

/// The text with some of its characters replaced.
fn change(text: &str, (at, length, noise): &(Index, usize, String)) -> String {
    let at = at.index(text.chars().count() + 1);
    let (before, after) = (text.chars().take(at), text.chars().skip(at + length));
    before.chain(noise.chars()).chain(after).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_read_in_one_pass_is_what_serde_reads(text in entry()) {
        let is_read = reads(&text).is_some();
        let is_right = Entry::decode(&text.0, &text.1).is_ok();
        // Only what has to be escaped is left to serde.
        prop_assert!(is_read || !is_right || text.1.contains('\\'), "{text:?}");
    }

    #[test]
    fn what_was_changed_is_read_as_serde_reads_it_or_left_to_it(
        (leaf, column) in entry(),
        of_leaf in prop::collection::vec((any::<Index>(), 0usize..3, noise()), 0..3),
        of_column in prop::collection::vec((any::<Index>(), 0usize..3, noise()), 0..2),
    ) {
        let leaf = of_leaf.iter().fold(leaf, |leaf, piece| change(&leaf, piece));
        let column = of_column.iter().fold(column, |column, piece| change(&column, piece));
        reads(&(leaf, column));
    }

    #[test]
    fn pieces_of_another_entry_do_not_mislead_it(
        (one, other) in (entry(), entry()),
        cuts in (any::<Index>(), any::<Index>(), 0usize..80),
    ) {
        let (at, from, length) = cuts;
        let piece: String = other.0.chars().skip(from.index(other.0.len())).take(length).collect();
        reads(&(change(&one.0, &(at, 0, piece.clone())), one.1.clone()));
        reads(&(change(&one.0, &(at, length, piece)), other.1));
    }
}

/// A change with everything that a gateway records.
fn written() -> Text {
    let composer = Composer::new(
        Arc::new(ManualClock::new(Timestamp::from_second(1_790_000_000).unwrap())),
        Arc::new(SeededRng::new(9)),
    );
    let actor = Actor {
        by: Some(By::new(ByKind::Person, "ada@example.com")),
        from: Some([192, 0, 2, 7].into()),
        ..Actor::default()
    };
    let things = vec![Thing::new(Name::new("identity"), Uuid::from_u128(3).into())];
    let correlation = Correlation {
        request: Some(Uuid::from_u128(4)),
        request_id: RequestId::from_header("7f0e2a4c"),
        ..Correlation::default()
    };
    let target = Target { things, subject: Some("Zoë".into()), ..Target::default() };
    let act = Act::new(ActName::new("suspend_identity"), actor).on(target).correlated(correlation);
    let entry = composer.change(act, Verdict::Refused, Some(Code::new("not_an_admin"))).number(7);
    (entry.leaf, entry.column)
}

#[test]
fn an_entry_as_it_was_written_is_read_in_one_pass_and_so_is_one_that_was_erased() {
    let (leaf, column) = written();
    let brief = reads(&(leaf.clone(), column)).unwrap();
    assert_eq!((brief.sequence, brief.role, brief.is_erased), (7, Role::Other, false));
    for erased in ["{}", "{}      "] {
        assert!(reads(&(leaf.clone(), erased.into())).unwrap().is_erased);
    }
}

#[test]
fn another_spelling_of_the_same_is_left_to_serde() {
    let (leaf, column) = written();
    for (from, to) in [
        ("\"seq\":7", "\"seq\": 7"),
        ("\"act\"", "\"\\u0061ct\""),
        ("\"by\":\"person\",", "\"by\":\"person\",\"later\":true,"),
        ("\"by\":\"person\",", "\"tenant\":null,\"by\":\"person\","),
        ("\"v\":2,\"seq\":7", "\"seq\":7,\"v\":2"),
        ("suspend_identity", "suspend\\u005fidentity"),
    ] {
        let other = leaf.replace(from, to);
        assert_ne!(other, leaf, "{from}");
        assert!(Entry::decode(&other, &column).is_ok(), "{other}");
        assert_eq!(read(&other, &column), None, "{other}");
    }
}

#[test]
fn what_is_wrong_is_not_read() {
    let (leaf, column) = written();
    for (from, to) in [
        ("\"v\":2", "\"v\":3"),
        ("\"seq\":7", "\"seq\":18446744073709551616"),
        ("\"seq\":7", "\"seq\":07"),
        ("T", "T3"),
        (",\"verdict\":\"refused\"", ""),
        ("\"by\":\"person\",", "\"by\":\"nobody\","),
        ("suspend_identity", "suspend identity"),
        ("=\",\"from\"", "\",\"from\""),
        ("\"subject\":", "\"chat\":"),
    ] {
        let other = leaf.replacen(from, to, 1);
        assert_ne!(other, leaf, "{from}");
        assert!(Entry::decode(&other, &column).is_err(), "{other}");
        assert_eq!(read(&other, &column), None, "{other}");
    }
    for (from, to) in [("192.0.2.7", "192.0.2.8"), ("Zoë", "Zoe"), ("\"from\"", "\"by\""), ("{", "{,")] {
        let other = column.replacen(from, to, 1);
        assert_ne!(other, column, "{from}");
        assert!(Entry::decode(&leaf, &other).is_err(), "{other}");
        assert_eq!(read(&leaf, &other), None, "{other}");
    }
}

//! What may not be written, or only in one place.

use super::workspace::{Source, sources};

/// Who may read text from outside as text, and why. Everybody else gets the envelope.
const JUDGES: &[(&str, &str)] = &[
    ("crates/agent/src/inbox/decide.rs", "tells the agent's own marked messages from others'"),
    ("crates/agent/src/inbox/text.rs", "turns HTML into text that is still from outside"),
    ("crates/agent/src/state/arrivals.rs", "keeps it"),
    ("crates/agent/src/tools/described.rs", "puts many names into one text, which is then sealed"),
];

/// Where HTTP clients are built, so that roots, proxies, pools and redirects are settled once.
const CLIENT_BUILDERS: &[&str] = &["crates/entra/src/transport.rs"];

/// The longest that a file may be, tests apart. One that grows past it holds a second idea.
const LONGEST: usize = 600;

fn files_with(sources: &[Source], matches: impl Fn(&str) -> bool) -> Vec<&str> {
    let product = sources.iter().filter(|source| !source.is_test());
    let mut files: Vec<&str> =
        product.filter(|source| matches(source.code())).map(|source| &*source.path).collect();
    files.sort_unstable();
    files
}

#[test]
fn only_the_judges_read_text_from_outside() {
    let sources = sources();
    // Other things are judged too, configuration for one; only files that know the type can judge text.
    let judges = files_with(&sources, |code| code.contains("Untrusted") && code.contains(".judge()"));
    let listed: Vec<&str> = JUDGES.iter().map(|(file, _)| *file).collect();
    assert_eq!(judges, listed);
}

#[test]
fn http_clients_are_built_in_one_place() {
    let sources = sources();
    let builders = files_with(&sources, |code| {
        ["Client::builder(", "ClientBuilder::new(", "Client::new("].iter().any(|call| code.contains(call))
            && code.contains("reqwest")
    });
    assert_eq!(builders, CLIENT_BUILDERS);
}

#[test]
fn no_lint_is_silenced_without_being_expected() {
    for source in sources() {
        for silent in [["#[", "allow("].concat(), ["#![", "allow("].concat()] {
            assert!(
                !source.text.contains(&silent),
                "{}: `expect` with a reason instead of `allow`",
                source.path
            );
        }
    }
}

#[test]
fn nothing_is_left_undone() {
    let marks =
        [["TO", "DO"], ["FIX", "ME"], ["#[ig", "nore"], ["unimpl", "emented!"]].map(|parts| parts.concat());
    for source in sources() {
        for mark in &marks {
            assert!(!source.text.contains(mark), "{} holds `{mark}`", source.path);
        }
    }
}

#[test]
fn tests_wait_for_events_and_never_sleep() {
    let sleeps = [["time::", "sleep("], ["thread::", "sleep("]].map(|parts| parts.concat());
    for source in sources() {
        let tests = if source.is_test() { &source.text[..] } else { &source.text[source.code().len()..] };
        for sleep in &sleeps {
            assert!(!tests.contains(sleep), "{}: a test sleeps", source.path);
        }
    }
}

#[test]
fn a_file_holds_one_idea() {
    for source in sources().iter().filter(|source| !source.is_test()) {
        let lines = source.code().lines().count();
        assert!(lines <= LONGEST, "{} has {lines} lines: look for the second idea in it", source.path);
        assert!(
            source.text.starts_with("//!"),
            "{} does not begin with its sentence of purpose",
            source.path
        );
    }
}

//! What the fuzz targets of `fuzz/` call: each gives arbitrary bytes to one parser of bytes from the network,
//! or to the whole sandbox. It is no part of the API; the corpora are replayed as ordinary tests, as they are and
//! damaged.

mod world;

use crate::{entra, graph, mail};

/// A target's name, which is that of its corpus, and what it gives its bytes to.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const TARGETS: &[Target] = &[
    ("certificate", graph::withstand_certificate),
    ("control", world::control),
    ("device_rule", entra::withstand_device_rule),
    ("filter", graph::withstand_filter),
    ("form", entra::withstand_form),
    ("html", mail::withstand_html),
    ("jwt", entra::withstand_assertion),
    ("mime", mail::withstand_mime),
    ("path", graph::withstand_path),
    ("photo", graph::withstand_photo),
    ("query", graph::withstand_query),
    ("ranges", graph::drives::host::withstand_ranges),
    ("requests", world::requests),
    ("search", graph::withstand_search),
    ("seed", world::seed),
    ("smtp", mail::smtp::withstand_session),
];

/// Runs one target.
///
/// # Panics
/// If the bytes break what they are given to, or there is no such target.
pub fn run(target: &str, bytes: &[u8]) {
    let Some((_, withstand)) = TARGETS.iter().find(|(name, _)| *name == target) else {
        panic!("there is no fuzz target {target}");
    };
    withstand(bytes);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_target_withstands_its_corpus() {
        for (name, withstand) in TARGETS {
            crate::corpus::replay(name, withstand);
        }
    }

    #[test]
    fn every_target_is_in_the_fuzz_crate() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
        let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        let named = |line: &str| Some(line.strip_prefix("name = \"")?.strip_suffix('"')?.to_owned());
        let mut binaries: BTreeSet<String> = manifest.lines().filter_map(named).collect();
        binaries.remove("attache-sandbox-fuzz");
        let targets: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(binaries, targets);
        for target in targets {
            let source = std::fs::read_to_string(folder.join(format!("fuzz_targets/{target}.rs"))).unwrap();
            assert!(source.contains(&format!("run(\"{target}\", bytes)")), "{source}");
        }
    }

    /// What damages an input: a byte that is changed, taken out, put in, or said again and again.
    fn damaged(mut bytes: Vec<u8>, damages: &[(prop::sample::Index, u8, u8)]) -> Vec<u8> {
        for (place, kind, byte) in damages {
            let at = place.index(bytes.len() + 1);
            match kind % 4 {
                0 if at < bytes.len() => bytes[at] = *byte,
                1 if at < bytes.len() => drop(bytes.remove(at)),
                2 => bytes.insert(at, *byte),
                _ => drop(bytes.splice(at..at, vec![*byte; usize::from(kind / 4)])),
            }
        }
        bytes
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]
        #[test]
        fn every_target_withstands_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            for (_, withstand) in TARGETS {
                withstand(&bytes);
            }
        }

        #[test]
        fn every_target_withstands_damage_to_its_corpus(
            chosen in any::<prop::sample::Index>(),
            damages in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), any::<u8>()), 1..8),
        ) {
            for (name, withstand) in TARGETS {
                let corpus = crate::corpus::files(name);
                withstand(&damaged(std::fs::read(&corpus[chosen.index(corpus.len())]).unwrap(), &damages));
            }
        }
    }
}

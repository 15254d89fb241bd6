//! A checkpoint: a signed note that says which log, how many entries, and the root over them
//! (c2sp.org/tlog-checkpoint). Whoever keeps one can later tell whether anything before it was altered.

use super::key::{KeyError, NoteSigner, VerifierKey, is_key_name};
use super::signed::{NoteError, NoteSignature, SignedNote};
use crate::tree::{Frontier, Hash};

/// What a checkpoint says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's name, unique to it.
    pub origin: String,
    /// How many entries it covers.
    pub size: u64,
    /// The root of their tree.
    pub root: Hash,
}

/// Why a checkpoint cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// The note around it is not to be believed.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// The note's text is no checkpoint.
    #[error("the note is no checkpoint: expected a log's name, a number and a hash, a line each")]
    Malformed,
}

impl Checkpoint {
    /// The note's text.
    pub fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, self.root)
    }

    /// Reads a note's text. Extension lines are accepted and ignored.
    pub fn from_text(text: &str) -> Result<Self, CheckpointError> {
        let malformed = || CheckpointError::Malformed;
        let body = text.strip_suffix('\n').ok_or_else(malformed)?;
        let mut lines = body.split('\n');
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next()) else {
            return Err(malformed());
        };
        let rest_is_filled = lines.all(|line| !line.is_empty());
        if !is_key_name(origin) || !rest_is_filled {
            return Err(malformed());
        }
        Ok(Self {
            origin: origin.to_owned(),
            size: decimal(size).ok_or_else(malformed)?,
            root: root.parse().map_err(|_| malformed())?,
        })
    }

    /// Reads a signed checkpoint and checks that `key` signed it.
    pub fn open(note: &str, key: &VerifierKey) -> Result<Self, CheckpointError> {
        Self::from_text(SignedNote::parse(note)?.verify(key)?)
    }

    /// Signs it under the log's name: 64 bytes.
    pub(crate) fn sign(&self, signer: &dyn NoteSigner) -> Result<[u8; 64], KeyError> {
        signer.sign(self.text().as_bytes())
    }

    /// The note, with a signature that was made before.
    pub(crate) fn note(&self, key: &VerifierKey, signature: &[u8; 64]) -> SignedNote {
        let name = key.name().to_owned();
        SignedNote::new(self.text(), NoteSignature { name, key_id: key.id(), signature: signature.to_vec() })
    }
}

/// Signs for a log as far as it goes: the note that others keep. `origin` is the log's name, which is also
/// that of the key.
pub fn sign_checkpoint(
    origin: &str,
    log: &Frontier,
    signer: &dyn NoteSigner,
) -> Result<SignedNote, KeyError> {
    let key = VerifierKey::new(origin, signer.public_key())
        .map_err(|_| KeyError::new(format!("{origin:?} cannot be the name of a log")))?;
    let checkpoint = Checkpoint { origin: origin.to_owned(), size: log.size(), root: log.root() };
    Ok(checkpoint.note(&key, &checkpoint.sign(signer)?))
}

/// A number in decimal digits without leading zeros.
pub(crate) fn decimal(text: &str) -> Option<u64> {
    let canonical = text == "0" || !text.starts_with('0');
    (canonical && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use attache_terms::SeededRng;
    use proptest::prelude::*;

    use super::*;
    use crate::note::Ed25519Key;

    fn key() -> (Arc<Ed25519Key>, VerifierKey) {
        let signer = Ed25519Key::from_seed(&Ed25519Key::generate_seed(&SeededRng::new(1))).unwrap();
        let key = VerifierKey::new("attache/test/1", signer.public_key()).unwrap();
        (Arc::new(signer), key)
    }

    fn signed() -> (String, VerifierKey, Checkpoint) {
        let (signer, key) = key();
        let checkpoint = Checkpoint { origin: key.name().into(), size: 7, root: Hash([9; 32]) };
        let signature = checkpoint.sign(signer.as_ref()).unwrap();
        (checkpoint.note(&key, &signature).encode(), key, checkpoint)
    }

    #[test]
    fn a_signed_checkpoint_is_read_back() {
        let (note, key, checkpoint) = signed();
        assert_eq!(Checkpoint::open(&note, &key), Ok(checkpoint));
        assert!(note.starts_with("attache/test/1\n7\nCQkJ"), "{note}");
        assert!(note.contains("\n\n— attache/test/1 "), "{note}");
    }

    #[test]
    fn a_witnesss_signature_is_ignored_and_kept() {
        let (note, key, checkpoint) = signed();
        let witnessed = format!("{note}— witness.example/w1 AAAAAAECAwQ=\n");
        assert_eq!(Checkpoint::open(&witnessed, &key), Ok(checkpoint));
        assert_eq!(SignedNote::parse(&witnessed).unwrap().encode(), witnessed);
    }

    #[test]
    fn extension_lines_are_signed_but_ignored() {
        let text = Checkpoint { origin: "a".into(), size: 0, root: Hash::of_nothing() }.text();
        assert!(Checkpoint::from_text(&format!("{text}extension 1\n")).is_ok());
        assert!(Checkpoint::from_text(&format!("{text}\n")).is_err());
        assert!(Checkpoint::from_text(&text.replace("\n0\n", "\n00\n")).is_err());
        assert!(Checkpoint::from_text(&text.replace("\n0\n", "\n+0\n")).is_err());
    }

    #[test]
    fn a_log_that_is_kept_elsewhere_is_signed_alike() {
        let (signer, key) = key();
        let mut log = Frontier::default();
        log.push(Hash([9; 32]));
        let note = sign_checkpoint(key.name(), &log, signer.as_ref()).unwrap().encode();
        let checkpoint = Checkpoint::open(&note, &key).unwrap();
        assert_eq!((checkpoint.size, checkpoint.root), (1, log.root()));
        assert!(sign_checkpoint("a name", &log, signer.as_ref()).is_err());
    }

    proptest! {
        #[test]
        fn any_altered_byte_is_noticed(at in any::<prop::sample::Index>(), to in any::<u8>()) {
            let (note, key, checkpoint) = signed();
            let mut bytes = note.clone().into_bytes();
            let at = at.index(bytes.len());
            bytes[at] = to;
            if let Ok(altered) = String::from_utf8(bytes) {
                if altered != note {
                    prop_assert!(Checkpoint::open(&altered, &key).is_err());
                } else {
                    prop_assert_eq!(Checkpoint::open(&altered, &key), Ok(checkpoint));
                }
            }
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in "[—a-z0-9+/= \n]{0,200}") {
            let (_, key) = key();
            prop_assert!(Checkpoint::open(&text, &key).is_err());
            let _ = Checkpoint::from_text(&text);
        }
    }
}

//! A text with signatures under it (c2sp.org/signed-note). Signatures of unknown keys, such as witnesses',
//! are kept and ignored.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::key::{VerifierKey, is_key_name};

/// More than a note may have here: room for a log, its next key, and many witnesses.
const LONGEST: usize = 1 << 20;

/// One signature line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NoteSignature {
    pub(crate) name: String,
    pub(crate) key_id: [u8; 4],
    pub(crate) signature: Vec<u8>,
}

/// A note that was read but not verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedNote {
    text: String,
    signatures: Vec<NoteSignature>,
}

/// Why a note is not to be believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// It is no note at all.
    #[error("not a signed note: a text, an empty line, and lines that begin with an em dash are expected")]
    Malformed,
    /// The key did not sign it.
    #[error("the note is not signed by {0}")]
    NotSigned(String),
    /// The key's signature is wrong.
    #[error("the signature of {0} is wrong: the note was altered, or signed with another key")]
    WrongSignature(String),
}

impl SignedNote {
    /// Takes a note apart without believing it.
    pub fn parse(note: &str) -> Result<Self, NoteError> {
        let control = |c: char| c < ' ' && c != '\n';
        if note.len() > LONGEST || note.contains(control) {
            return Err(NoteError::Malformed);
        }
        let split = note.rfind("\n\n").ok_or(NoteError::Malformed)?;
        let (text, lines) = (&note[..=split], &note[split + 2..]);
        let lines = lines.strip_suffix('\n').ok_or(NoteError::Malformed)?;
        let signatures = lines.split('\n').map(signature_line).collect::<Option<Vec<_>>>();
        Ok(Self { text: text.to_owned(), signatures: signatures.ok_or(NoteError::Malformed)? })
    }

    /// Puts a signature under a text, which ends in a newline.
    pub(crate) fn new(text: String, signature: NoteSignature) -> Self {
        Self { text, signatures: vec![signature] }
    }

    /// The text, when `key` signed it.
    pub fn verify(&self, key: &VerifierKey) -> Result<&str, NoteError> {
        let ours = |line: &&NoteSignature| line.name == key.name() && line.key_id == key.id();
        let mut lines = self.signatures.iter().filter(ours).peekable();
        if lines.peek().is_none() {
            return Err(NoteError::NotSigned(key.name().to_owned()));
        }
        if lines.all(|line| key.verifies(self.text.as_bytes(), &line.signature)) {
            Ok(&self.text)
        } else {
            Err(NoteError::WrongSignature(key.name().to_owned()))
        }
    }

    /// The key's signature, be it right or wrong.
    pub(crate) fn signature_of(&self, key: &VerifierKey) -> Option<&[u8]> {
        let mut lines = self.signatures.iter();
        let ours = lines.find(|line| line.name == key.name() && line.key_id == key.id());
        ours.map(|line| &line.signature[..])
    }

    /// The note as it is written.
    pub fn encode(&self) -> String {
        let mut note = format!("{}\n", self.text);
        for line in &self.signatures {
            let mut bytes = line.key_id.to_vec();
            bytes.extend(&line.signature);
            note.push_str(&format!("— {} {}\n", line.name, STANDARD.encode(bytes)));
        }
        note
    }
}

fn signature_line(line: &str) -> Option<NoteSignature> {
    let (name, base64) = line.strip_prefix("— ")?.split_once(' ')?;
    let bytes = STANDARD.decode(base64).ok()?;
    let (key_id, signature) = bytes.split_first_chunk::<4>()?;
    (is_key_name(name) && !signature.is_empty()).then(|| NoteSignature {
        name: name.to_owned(),
        key_id: *key_id,
        signature: signature.to_vec(),
    })
}

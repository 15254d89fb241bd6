//! The bytes of a sealed file, format 1: three lines of text.
//!
//! 1. a JSON header: format, how the key is made, and a check value of the key;
//! 2. base64 of nonce, ciphertext and tag: AES-256-GCM over the secrets, the header line as associated data;
//! 3. SHA-256 of the two lines before, in base64.
//!
//! The third line tells a damaged file from a wrong key; it is the tag that makes a forged file unreadable.

use std::collections::BTreeMap;

use attache_terms::{Rng, SecretBytes};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::{constant_time, digest, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// The format that is written, and the newest that is read.
const FORMAT: u64 = 1;

/// How the key of a file is made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Derivation {
    /// The key file holds the key.
    KeyFile,
    /// argon2id over a passphrase (RFC 9106).
    Argon2id {
        /// Kibibytes of memory.
        memory: u32,
        /// Passes over the memory.
        passes: u32,
        /// Base64 of 16 random bytes.
        salt: String,
    },
}

impl Derivation {
    /// RFC 9106 §4, the second recommended option: 64 MiB, three passes.
    pub(super) fn of_passphrase(rng: &dyn Rng) -> Self {
        let mut salt = [0; 16];
        rng.fill(&mut salt);
        Self::Argon2id { memory: 64 * 1024, passes: 3, salt: BASE64.encode(salt) }
    }

    /// Whether a file may ask for this much work: who can write the file must not be able to exhaust us.
    fn is_bearable(&self) -> bool {
        match self {
            Self::KeyFile => true,
            Self::Argon2id { memory, passes, .. } => {
                (8..=1024 * 1024).contains(memory) && (1..=16).contains(passes)
            }
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Header {
    attache_sealed_file: u64,
    key: Derivation,
    check: String,
}

/// Only what every format has, to tell newer from damaged.
#[derive(Deserialize)]
struct Version {
    attache_sealed_file: u64,
}

/// A key for AES-256-GCM.
#[derive(Clone)]
pub(super) struct FileKey(SecretBytes);

impl FileKey {
    pub(super) fn new(bytes: [u8; 32]) -> Self {
        Self(SecretBytes::new(bytes.to_vec()))
    }

    /// A value that shows whether this is the key without saying anything about it.
    fn check(&self) -> Vec<u8> {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.0.expose());
        hmac::sign(&key, b"attache sealed file: key check").as_ref()[..16].to_vec()
    }

    fn cipher(&self) -> Result<LessSafeKey, Fault> {
        let key = UnboundKey::new(&AES_256_GCM, self.0.expose())
            .map_err(|_| Fault::Damaged("the key has a wrong length".to_owned()))?;
        Ok(LessSafeKey::new(key))
    }
}

/// The secrets of a file by name.
pub(super) type Secrets = BTreeMap<String, SecretBytes>;

/// Why a file cannot be opened.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Newer(u64),
    Damaged(String),
    WrongKey,
}

/// A file that is whole, and not opened yet.
#[derive(Debug)]
pub(super) struct Sealed<'a> {
    header: &'a str,
    key: Derivation,
    check: Vec<u8>,
    body: Vec<u8>,
}

impl<'a> Sealed<'a> {
    /// Reads the file's lines and checks that they are as they were written.
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, Fault> {
        let damaged = |why: &str| Fault::Damaged(why.to_owned());
        let text = std::str::from_utf8(bytes).map_err(|_| damaged("it is not text"))?;
        let (header, rest) = text.split_once('\n').ok_or_else(|| damaged("its header is cut off"))?;
        match serde_json::from_str::<Version>(header) {
            Ok(version) if version.attache_sealed_file > FORMAT => {
                return Err(Fault::Newer(version.attache_sealed_file));
            }
            Ok(version) if version.attache_sealed_file == FORMAT => {}
            _ => return Err(damaged("it has no readable header")),
        }
        let (body, sum) = rest.split_once('\n').ok_or_else(|| damaged("it is cut off"))?;
        let sum = sum.strip_suffix('\n').ok_or_else(|| damaged("it is cut off"))?;
        if sum != checksum(header, body) {
            return Err(damaged("its checksum does not match"));
        }
        let Header { key, check, .. } =
            serde_json::from_str(header).map_err(|_| damaged("its header is not readable"))?;
        if !key.is_bearable() {
            return Err(damaged("it asks for an absurd key derivation"));
        }
        let check = BASE64.decode(check).map_err(|_| damaged("its key check is not base64"))?;
        let body = BASE64.decode(body).map_err(|_| damaged("its body is not base64"))?;
        Ok(Self { header, key, check, body })
    }

    /// How its key is made.
    pub(super) fn derivation(&self) -> &Derivation {
        &self.key
    }

    /// Opens it.
    pub(super) fn open(mut self, key: &FileKey) -> Result<Secrets, Fault> {
        let damaged = |why: &str| Fault::Damaged(why.to_owned());
        if constant_time::verify_slices_are_equal(&key.check(), &self.check).is_err() {
            return Err(Fault::WrongKey);
        }
        let (nonce, sealed) =
            self.body.split_at_mut_checked(NONCE_LEN).ok_or_else(|| damaged("its body is too short"))?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| damaged("its nonce is wrong"))?;
        let plain = key
            .cipher()?
            .open_in_place(nonce, Aad::from(self.header), sealed)
            .map_err(|_| damaged("its contents were altered"))?;
        let result = decode(plain);
        zeroize::Zeroize::zeroize(plain);
        result
    }
}

/// Seals the secrets into the bytes of a file.
pub(super) fn seal(
    secrets: &Secrets,
    derivation: &Derivation,
    key: &FileKey,
    rng: &dyn Rng,
) -> Result<Vec<u8>, Fault> {
    let header = serde_json::to_string(&Header {
        attache_sealed_file: FORMAT,
        key: derivation.clone(),
        check: BASE64.encode(key.check()),
    })
    .map_err(|error| Fault::Damaged(error.to_string()))?;

    let mut nonce = [0; NONCE_LEN];
    rng.fill(&mut nonce);
    let mut sealed = encode(secrets)?;
    key.cipher()?
        .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(&header), &mut *sealed)
        .map_err(|_| Fault::Damaged("the secrets could not be sealed".to_owned()))?;

    let body = BASE64.encode([nonce.as_slice(), &sealed].concat());
    let sum = checksum(&header, &body);
    Ok(format!("{header}\n{body}\n{sum}\n").into_bytes())
}

fn checksum(header: &str, body: &str) -> String {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in [header, "\n", body] {
        context.update(part.as_bytes());
    }
    BASE64.encode(context.finish())
}

fn encode(secrets: &Secrets) -> Result<Zeroizing<Vec<u8>>, Fault> {
    let plain: BTreeMap<&str, Zeroizing<String>> = secrets
        .iter()
        .map(|(name, secret)| (name.as_str(), Zeroizing::new(BASE64.encode(secret.expose()))))
        .collect();
    let shown: BTreeMap<&str, &str> = plain.iter().map(|(name, text)| (*name, text.as_str())).collect();
    serde_json::to_vec(&shown).map(Zeroizing::new).map_err(|error| Fault::Damaged(error.to_string()))
}

fn decode(plain: &[u8]) -> Result<Secrets, Fault> {
    let unreadable = |_| Fault::Damaged("what was sealed is not readable".to_owned());
    let texts: BTreeMap<String, Zeroizing<String>> =
        serde_json::from_slice::<BTreeMap<String, String>>(plain)
            .map_err(|_| Fault::Damaged("what was sealed is not readable".to_owned()))?
            .into_iter()
            .map(|(name, text)| (name, Zeroizing::new(text)))
            .collect();
    texts
        .into_iter()
        .map(|(name, text)| {
            BASE64.decode(text.as_bytes()).map(|bytes| (name, SecretBytes::new(bytes))).map_err(unreadable)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use attache_terms::SeededRng;
    use proptest::prelude::*;

    fn secrets(of: &BTreeMap<String, Vec<u8>>) -> Secrets {
        of.iter().map(|(name, bytes)| (name.clone(), SecretBytes::new(bytes.clone()))).collect()
    }

    fn shown(of: &Secrets) -> BTreeMap<String, Vec<u8>> {
        of.iter().map(|(name, secret)| (name.clone(), secret.expose().to_vec())).collect()
    }

    fn sealed(of: &BTreeMap<String, Vec<u8>>) -> Vec<u8> {
        seal(&secrets(of), &Derivation::KeyFile, &FileKey::new([7; 32]), &SeededRng::new(1)).unwrap()
    }

    fn open(bytes: &[u8], key: [u8; 32]) -> Result<Secrets, Fault> {
        Sealed::parse(bytes)?.open(&FileKey::new(key))
    }

    proptest! {
        #[test]
        fn what_is_sealed_comes_back(of in prop::collection::btree_map("\\PC{0,20}", prop::collection::vec(any::<u8>(), 0..200), 0..6)) {
            prop_assert_eq!(shown(&open(&sealed(&of), [7; 32]).unwrap()), of);
        }

        #[test]
        fn a_file_with_any_byte_altered_is_damaged(at in any::<prop::sample::Index>(), to in any::<u8>()) {
            let of = BTreeMap::from([("default/refresh-token".to_owned(), b"0.AXkA".to_vec())]);
            let mut bytes = sealed(&of);
            let at = at.index(bytes.len());
            prop_assume!(bytes[at] != to);
            bytes[at] = to;
            let result = open(&bytes, [7; 32]).map(|secrets| shown(&secrets));
            prop_assert!(matches!(result, Err(Fault::Damaged(_) | Fault::Newer(_))), "{:?}", result);
        }

        #[test]
        fn a_file_that_is_cut_off_anywhere_is_damaged(at in any::<prop::sample::Index>()) {
            let bytes = sealed(&BTreeMap::from([("a/b".to_owned(), vec![1, 2, 3])]));
            let cut = &bytes[..at.index(bytes.len())];
            prop_assert!(matches!(open(cut, [7; 32]), Err(Fault::Damaged(_))));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(open(&bytes, [7; 32]).is_err());
        }
    }

    #[test]
    fn nothing_in_the_corpus_opens() {
        crate::corpus::replay("sealed-file", |bytes| assert!(open(bytes, [7; 32]).is_err()));
    }

    #[test]
    fn whoever_recomputes_the_checksum_still_cannot_alter_it() {
        let bytes = sealed(&BTreeMap::from([("a/b".to_owned(), vec![1, 2, 3])]));
        let text = String::from_utf8(bytes).unwrap();
        let mut lines = text.lines();
        let (header, body) = (lines.next().unwrap(), lines.next().unwrap());
        let mut raw = BASE64.decode(body).unwrap();
        let last = raw.len() - 1;
        raw[last] ^= 1;
        let body = BASE64.encode(raw);
        let forged = format!("{header}\n{body}\n{}\n", checksum(header, &body));
        assert_eq!(
            open(forged.as_bytes(), [7; 32]).map(|_| ()),
            Err(Fault::Damaged("its contents were altered".to_owned()))
        );
    }

    #[test]
    fn another_key_is_told_from_damage() {
        let bytes = sealed(&BTreeMap::new());
        assert_eq!(open(&bytes, [8; 32]).map(|_| ()), Err(Fault::WrongKey));
    }

    #[test]
    fn a_newer_format_is_refused_by_its_number() {
        let newer = b"{\"attache_sealed_file\":2,\"anything\":\"else\"}\nbody";
        assert_eq!(open(newer, [7; 32]).map(|_| ()), Err(Fault::Newer(2)));
    }

    #[test]
    fn a_file_cannot_ask_for_absurd_work() {
        let asked = Derivation::Argon2id { memory: u32::MAX, passes: 1, salt: BASE64.encode([0; 16]) };
        let bytes = seal(&Secrets::new(), &asked, &FileKey::new([7; 32]), &SeededRng::new(1)).unwrap();
        assert!(matches!(Sealed::parse(&bytes), Err(Fault::Damaged(_))));
    }
}

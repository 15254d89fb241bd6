//! Secrets: values that cannot be printed, compared by accident or serialised, and that are wiped when
//! dropped. Reading one is a visible word in the code: `expose`.

use zeroize::Zeroizing;

/// A secret text: a client secret, a refresh token, an access token. It has no `Debug`, no `Display` and
/// no `Serialize`, so that it cannot reach a log.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes a text into keeping.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text itself, to be sent to whom it is meant for.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

/// Secret bytes: a private key, a symmetric key.
#[derive(Clone)]
pub struct SecretBytes(Zeroizing<Vec<u8>>);

impl SecretBytes {
    /// Takes bytes into keeping.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes themselves, to compute with.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

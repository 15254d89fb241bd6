//! The hashes of a file: quickXorHash, OneDrive's own, after Microsoft's published description, and SHA-256.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The hash is that wide.
const BITS: usize = 160;

/// Each byte comes in this many bits further left than the one before it.
const SHIFT: usize = 11;

/// `quickXorHash`, in base64.
pub(super) fn quick_xor(content: &[u8]) -> String {
    let mut hash = [0_u8; BITS / 8];
    let mut position = 0;
    for byte in content {
        let (cell, offset) = (position / 8, position % 8);
        let shifted = u16::from(*byte) << offset;
        let [low, high] = shifted.to_le_bytes();
        hash[cell] ^= low;
        hash[(cell + 1) % hash.len()] ^= high;
        position = (position + SHIFT) % BITS;
    }
    let length = (content.len() as u64).to_le_bytes();
    let last = hash.len() - length.len();
    for (cell, byte) in hash[last..].iter_mut().zip(length) {
        *cell ^= byte;
    }
    STANDARD.encode(hash)
}

/// `sha256Hash`, in upper-case hexadecimal.
pub(super) fn sha256(content: &[u8]) -> String {
    digest(&SHA256, content).as_ref().iter().map(|byte| format!("{byte:02X}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The description word by word: rotate a block of 160 bits by 11 for each byte, and xor.
    fn by_the_description(content: &[u8]) -> String {
        let mut bits = [false; BITS];
        for (index, byte) in content.iter().enumerate() {
            for bit in 0..8 {
                bits[(index * SHIFT + bit) % BITS] ^= byte >> bit & 1 == 1;
            }
        }
        for bit in 0..64 {
            bits[BITS - 64 + bit] ^= (content.len() as u64) >> bit & 1 == 1;
        }
        let bytes: Vec<u8> = bits
            .chunks(8)
            .map(|bits| bits.iter().enumerate().fold(0, |byte, (at, bit)| byte | u8::from(*bit) << at))
            .collect();
        STANDARD.encode(bytes)
    }

    #[test]
    fn known_hashes() {
        // Published with rclone's implementation of the algorithm.
        assert_eq!(quick_xor(b""), "AAAAAAAAAAAAAAAAAAAAAAAAAAA=");
        assert_eq!(quick_xor(&STANDARD.decode("Sg==").unwrap()), "SgAAAAAAAAAAAAAAAQAAAAAAAAA=");
        assert_eq!(quick_xor(&STANDARD.decode("tbQ=").unwrap()), "taAFAAAAAAAAAAAAAgAAAAAAAAA=");
        assert_eq!(sha256(b""), "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855");
    }

    proptest! {
        #[test]
        fn any_content_hashes_as_described(content in prop::collection::vec(any::<u8>(), 0..500)) {
            prop_assert_eq!(quick_xor(&content), by_the_description(&content));
        }
    }
}

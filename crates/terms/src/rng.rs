//! Randomness as a parameter, so that tests can repeat themselves.

use std::cell::RefCell;
use std::sync::Mutex;

use uuid::Uuid;

/// For how many ids a thread takes random bytes from the system at once.
const SUPPLY: usize = 16;

thread_local! {
    /// Random bytes that no id has yet.
    static UNUSED: RefCell<Vec<[u8; 16]>> = const { RefCell::new(Vec::new()) };
}

/// A source of random bytes.
pub trait Rng: Send + Sync {
    /// Fills the whole buffer.
    fn fill(&self, buffer: &mut [u8]);

    /// A random (version 4) UUID.
    fn uuid(&self) -> Uuid {
        let mut bytes = [0; 16];
        self.fill(&mut bytes);
        uuid::Builder::from_random_bytes(bytes).into_uuid()
    }

    /// A fraction from 0 (included) to 1 (excluded), for jitter.
    fn fraction(&self) -> f64 {
        let mut bytes = [0; 4];
        self.fill(&mut bytes);
        f64::from(u32::from_le_bytes(bytes)) / (f64::from(u32::MAX) + 1.0)
    }
}

/// The operating system's generator.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRng;

impl Rng for SystemRng {
    #[expect(
        clippy::expect_used,
        reason = "a machine without randomness can keep no secret; going on would be worse"
    )]
    fn fill(&self, buffer: &mut [u8]) {
        getrandom::fill(buffer).expect("the operating system gives random bytes");
    }

    // Every request has an id, and is not to call the system for it.
    fn uuid(&self) -> Uuid {
        let bytes = UNUSED.with_borrow_mut(|unused| {
            unused.pop().unwrap_or_else(|| {
                let mut fresh = [[0; 16]; SUPPLY];
                self.fill(fresh.as_flattened_mut());
                let [first, rest @ ..] = fresh;
                unused.extend(rest);
                first
            })
        });
        uuid::Builder::from_random_bytes(bytes).into_uuid()
    }
}

/// A repeatable generator for tests (SplitMix64); never for secrets.
#[derive(Debug)]
pub struct SeededRng(Mutex<u64>);

impl SeededRng {
    /// The generator that starts at this seed.
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(seed))
    }
}

impl Rng for SeededRng {
    fn fill(&self, buffer: &mut [u8]) {
        let mut state = self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        for chunk in buffer.chunks_mut(8) {
            *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut word = *state;
            word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            word ^= word >> 31;
            chunk.copy_from_slice(&word.to_le_bytes()[..chunk.len()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_id_of_the_systems_is_given_twice() {
        let of_a_thread = || (0..10 * SUPPLY).map(|_| SystemRng.uuid()).collect::<Vec<_>>();
        let threads = [(); 4].map(|()| std::thread::spawn(of_a_thread));
        let ids: Vec<Uuid> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
        assert_eq!(ids.iter().collect::<HashSet<_>>().len(), ids.len());
        assert!(ids.iter().all(|id| id.get_version_num() == 4));
    }
}

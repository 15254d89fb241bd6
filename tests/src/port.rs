//! Ports for what must listen where it was said before, or again where it did.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

/// A free port that stays this test's while nobody listens there: it lies below those that systems give out by
/// themselves, and every process begins to look at another.
pub fn own_port() -> u16 {
    static LOOKED_AT: AtomicU16 = AtomicU16::new(0);
    const FIRST: u32 = 10_000;
    const COUNT: u32 = 22_000;
    loop {
        let at = u32::from(LOOKED_AT.fetch_add(1, Ordering::Relaxed));
        let port = FIRST + (std::process::id().wrapping_mul(16) + at) % COUNT;
        let Ok(port) = u16::try_from(port) else { continue };
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}

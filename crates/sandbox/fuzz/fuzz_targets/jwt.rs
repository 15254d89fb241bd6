//! Fuzzes the reading of tokens and client assertions.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| attache_sandbox::fuzzing::run("jwt", bytes));

//! Fuzzes the reading of Graph's paths.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| attache_sandbox::fuzzing::run("path", bytes));

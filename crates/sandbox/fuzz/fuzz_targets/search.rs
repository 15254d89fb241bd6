//! Fuzzes the reading of `$search`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| attache_sandbox::fuzzing::run("search", bytes));

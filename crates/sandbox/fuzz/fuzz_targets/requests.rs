//! Fuzzes the reading of whole HTTP requests.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| attache_sandbox::fuzzing::run("requests", bytes));

//! Fuzzes the reading of query options.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| attache_sandbox::fuzzing::run("query", bytes));

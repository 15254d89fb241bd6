//! Fuzzes the reading of upload fragments' ranges.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| attache_sandbox::fuzzing::run("ranges", bytes));

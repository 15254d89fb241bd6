//! Fuzzes the reading of subscribers' certificates.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| attache_sandbox::fuzzing::run("certificate", bytes));

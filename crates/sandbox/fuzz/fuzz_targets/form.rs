//! Fuzzes the reading of forms.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| attache_sandbox::fuzzing::run("form", bytes));

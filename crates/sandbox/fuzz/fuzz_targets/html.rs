//! Fuzzes the reading of HTML bodies.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| attache_sandbox::fuzzing::run("html", bytes));

//! Fuzzes the reading and writing of messages.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| attache_sandbox::fuzzing::run("mime", bytes));

//! Fuzzes the reading of a device filter's rule.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| attache_sandbox::fuzzing::run("device_rule", bytes));

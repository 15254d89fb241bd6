//! Fuzzes the reading of OData's `$filter`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| attache_sandbox::fuzzing::run("filter", bytes));

//! Benchmarks that stand on their own.

pub mod ledger;

//! Benchmarks that stand on their own.

pub mod ledger;
pub mod ledger_verify;

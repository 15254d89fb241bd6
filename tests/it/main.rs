//! End-to-end and interoperability tests, in one binary.

mod bad_input;
mod host;
mod house;
mod inspector;
mod kill;
mod msal;
mod story;

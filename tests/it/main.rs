//! End-to-end and interoperability tests, in one binary.

mod audit;
mod azure_identity;
mod bad_input;
mod canary;
mod commands;
#[cfg(unix)]
mod container;
mod content;
mod control_api;
mod dashboard;
mod doctor;
mod fixtures;
mod gateway_api;
mod host;
mod house;
mod inspector;
mod kill;
mod msal;
mod msal_node;
mod msgraph;
#[cfg(unix)]
mod nodes;
mod oidc;
mod openapi;
mod operator;
mod outbox;
#[cfg(target_os = "linux")]
mod packaging;
mod pages;
mod stop;
mod story;
mod terminal;
mod traces;
mod trust;

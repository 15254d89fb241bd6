//! The sandbox through its front door: real HTTPS, a client of its own.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod aadsts;
mod agent_hops;
mod authorities;
mod browser;
mod cast;
mod certificates;
mod channel_messages;
mod chat_messages;
mod conditional_access;
mod conditional_access_conditions;
mod consent;
mod contract;
mod control;
mod control_api;
mod device_code;
mod evidence;
mod federated_chats;
mod files;
mod first_party;
mod front_door;
mod granted;
mod graph_agent_codes;
mod graph_audits;
mod graph_chain;
mod graph_chats;
mod graph_delta;
mod graph_directory;
mod graph_federated;
mod graph_file_addresses;
mod graph_files;
mod graph_groups;
mod graph_model;
mod graph_people;
mod graph_policies;
mod graph_relations;
mod graph_sites;
mod guests;
mod mail_delivery;
mod mail_edge;
mod mail_groups;
mod mail_messages;
mod mail_sending;
mod mail_support;
mod message_export;
mod notifications;
mod on_behalf_of;
mod openid;
mod oracle_tests;
mod persistence;
mod portal;
mod presence;
mod realms;
mod receiver;
mod seed_document;
mod short_pages;
mod sign_in;
mod sign_in_log;
mod subscriptions;
mod support;
mod teams;
mod throttling;

#[path = "../oracle/mod.rs"]
mod oracle;

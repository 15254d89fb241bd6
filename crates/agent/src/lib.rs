//! Be the device agent

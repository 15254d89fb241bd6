//! Decide and perform the steps that bring an identity from nothing to ready, and back

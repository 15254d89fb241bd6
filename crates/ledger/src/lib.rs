//! Append, prove and verify audit entries

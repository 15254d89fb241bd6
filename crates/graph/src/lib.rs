//! Speak Microsoft Graph

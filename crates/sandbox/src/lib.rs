//! Be a tenant: Entra ID and Microsoft Graph, emulated

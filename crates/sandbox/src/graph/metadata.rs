//! `$metadata`: a valid EDMX document of the collections that the sandbox emulates. Types are open: their
//! properties are Graph's, which this document does not repeat.

use std::collections::BTreeSet;

/// Entity sets and the types of their items.
const SETS: [(&str, &str); 14] = [
    ("applications", "application"),
    ("chats", "chat"),
    ("directoryObjects", "directoryObject"),
    ("directoryRoles", "directoryRole"),
    ("domains", "domain"),
    ("drives", "drive"),
    ("groups", "group"),
    ("oauth2PermissionGrants", "oAuth2PermissionGrant"),
    ("organization", "organization"),
    ("servicePrincipals", "servicePrincipal"),
    ("subscribedSkus", "subscribedSku"),
    ("subscriptions", "subscription"),
    ("teams", "team"),
    ("users", "user"),
];

/// Types that casts name, with what they derive from.
const DERIVED: [(&str, &str); 4] = [
    ("agentIdentity", "servicePrincipal"),
    ("agentIdentityBlueprint", "application"),
    ("agentIdentityBlueprintPrincipal", "servicePrincipal"),
    ("agentUser", "user"),
];

const SINGLETONS: [(&str, &str); 1] = [("me", "user")];

/// The document.
pub(super) fn document() -> String {
    let mut text = String::from(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<edmx:Edmx Version=\"4.0\" xmlns:edmx=\"http://docs.oasis-open.org/odata/ns/edmx\"><edmx:DataServices><Schema Namespace=\"microsoft.graph\" Alias=\"graph\" xmlns=\"http://docs.oasis-open.org/odata/ns/edm\">",
    );
    text.push_str("<EntityType Name=\"entity\" Abstract=\"true\"><Key><PropertyRef Name=\"id\"/></Key><Property Name=\"id\" Type=\"Edm.String\" Nullable=\"false\"/></EntityType>");
    let types: BTreeSet<&str> = SETS.iter().map(|(_, of)| *of).collect();
    for name in types {
        text.push_str(&entity(name, "entity"));
    }
    for (name, base) in DERIVED {
        text.push_str(&entity(name, base));
    }
    text.push_str("<EntityContainer Name=\"GraphService\">");
    for (name, of) in SETS {
        text.push_str(&format!("<EntitySet Name=\"{name}\" EntityType=\"microsoft.graph.{of}\"/>"));
    }
    for (name, of) in SINGLETONS {
        text.push_str(&format!("<Singleton Name=\"{name}\" Type=\"microsoft.graph.{of}\"/>"));
    }
    text.push_str("</EntityContainer></Schema></edmx:DataServices></edmx:Edmx>");
    text
}

fn entity(name: &str, base: &str) -> String {
    format!("<EntityType Name=\"{name}\" BaseType=\"graph.{base}\" OpenType=\"true\"/>")
}

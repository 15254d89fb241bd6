//! What Graph answers although the v1.0 CSDL does not have it, each with the reason.

/// Type, property, and why it may stand there. A property counts for derived types too.
pub(super) const BEYOND_THE_CSDL: &[(&str, &str, &str)] = &[
    (
        "microsoft.graph.servicePrincipal",
        "agentIdentityBlueprintId",
        "agent identities and their users show it through the plain type too (§2.3)",
    ),
    ("microsoft.graph.servicePrincipal", "createdDateTime", "v1.0 answers it as beta does (§2.2)"),
    ("microsoft.graph.teamworkUserIdentity", "tenantId", "live, though not in this type (appendix B)"),
    ("microsoft.graph.signIn", "agent", "beta, which the sandbox answers with it (§13)"),
    ("microsoft.graph.signIn", "authenticationProtocol", "beta, which the sandbox answers with it (§13)"),
    ("microsoft.graph.signIn", "authenticationRequirement", "beta, which the sandbox answers with it (§13)"),
    ("microsoft.graph.signIn", "clientCredentialType", "beta, which the sandbox answers with it (§13)"),
    ("microsoft.graph.signIn", "crossTenantAccessType", "beta, which the sandbox answers with it (§13)"),
    ("microsoft.graph.signIn", "flaggedForReview", "beta, which the sandbox answers with it (§13)"),
    ("microsoft.graph.signIn", "incomingTokenType", "beta, which the sandbox answers with it (§13)"),
    ("microsoft.graph.signIn", "isTenantRestricted", "beta, which the sandbox answers with it (§13)"),
    ("microsoft.graph.signIn", "originalRequestId", "beta, which the sandbox answers with it (§13)"),
    ("microsoft.graph.signIn", "sessionId", "beta, which the sandbox answers with it (§13)"),
    ("microsoft.graph.signIn", "signInEventTypes", "beta, which the sandbox answers with it (§13)"),
    ("microsoft.graph.signIn", "tokenIssuerType", "beta, which the sandbox answers with it (§13)"),
    ("microsoft.graph.signIn", "uniqueTokenIdentifier", "beta, which the sandbox answers with it (§13)"),
    ("microsoft.graph.signIn", "userType", "beta, which the sandbox answers with it (§13)"),
    (
        "microsoft.graph.conditionalAccessClientApplications",
        "includeAgentIdServicePrincipals",
        "beta, which the sandbox answers with it (§13)",
    ),
    (
        "microsoft.graph.conditionalAccessClientApplications",
        "excludeAgentIdServicePrincipals",
        "beta, which the sandbox answers with it (§13)",
    ),
];

/// Properties that are null in live answers although the CSDL forbids it.
pub(super) const NULL_ALL_THE_SAME: &[(&str, &str, &str)] = &[];

/// Paths whose answers carry no `@odata.context` in Graph either.
pub(super) const WITHOUT_CONTEXT: &[(&str, &str)] =
    &[("/$batch", "an envelope of responses, each of which has its own")];

/// Annotations that Graph puts on objects.
pub(super) const ANNOTATIONS: &[&str] = &[
    "@odata.context",
    "@odata.id",
    "@odata.type",
    "@odata.etag",
    "@odata.nextLink",
    "@odata.deltaLink",
    "@odata.count",
    "@odata.editLink",
    "@odata.navigationLink",
    "@odata.associationLink",
    "@odata.mediaContentType",
    "@odata.mediaReadLink",
    "@odata.mediaEditLink",
    "@odata.mediaEtag",
    "@removed",
    "@microsoft.graph.tips",
    "@microsoft.graph.downloadUrl",
    "@microsoft.graph.conflictBehavior",
    "@delta",
];

"""The directory with Microsoft's Graph SDK: applications, users, agents, groups, roles and policies."""

import uuid

from msgraph_core.tasks.page_iterator import PageIterator

from sdk import GRAPH_LINKS, READY, Graph, asking, body, client_credentials, fields, models

GRAPH_APP = "00000003-0000-0000-c000-000000000000"
DOMAIN = READY["domain"]
DIRECTORY_READERS = "88d8e3e3-8f55-4a1e-953a-9b9898b8876b"


def reference(kind, name):
    return fields(models.ReferenceCreate, odata_id=f"{GRAPH_LINKS}/{kind}/{name}")


def secret():
    return fields(models.PasswordCredential, display_name="s")


async def applications(table, app, people):
    """An application with its credentials, owners and service principal."""
    graph = app.client
    made = await table.row("POST /applications", app.read(graph.applications.post(fields(models.Application, display_name="SDK"))))
    one = graph.applications.by_application_id(made.id)
    await table.row("GET /applications/{id}", app.read(one.get()))
    change = fields(
        models.Application, display_name="SDK 2", tags=["a"], web=fields(models.WebApplication, redirect_uris=["https://app.example/cb"]),
        required_resource_access=[
            fields(
                models.RequiredResourceAccess, resource_app_id=GRAPH_APP,
                resource_access=[fields(models.ResourceAccess, id=uuid.UUID("e1fe6dd8-ba31-4d61-89e7-88639da4683d"), type="Scope")],
            )
        ],
        app_roles=[
            fields(
                models.AppRole, id=uuid.uuid4(), value="Task.Do", display_name="Do", description="Do", is_enabled=True,
                allowed_member_types=["User", "Application"],
            )
        ],
    )
    await table.row("PATCH /applications/{id}", one.patch(change))
    kept = await table.row("GET /applications/{id}", app.read(one.get()))
    table.check("the change shows", (kept.display_name, kept.web.redirect_uris, kept.app_roles[0].value) == ("SDK 2", ["https://app.example/cb"], "Task.Do"))
    made_secret = await table.row("POST …/addPassword", app.read(one.add_password.post(body(one.add_password, password_credential=secret()))))
    table.check("a secret is shown once", made_secret.secret_text.startswith(made_secret.hint) and (await one.get()).password_credentials[0].secret_text is None)
    await table.row("POST …/removePassword", one.remove_password.post(body(one.remove_password, key_id=made_secret.key_id)))
    credential = fields(
        models.FederatedIdentityCredential, name="ci-main", issuer="https://token.actions.example", subject="repo:x",
        audiences=["api://AzureADTokenExchange"],
    )
    federated = await table.row("POST …/federatedIdentityCredentials", app.read(one.federated_identity_credentials.post(credential)))
    its = one.federated_identity_credentials.by_federated_identity_credential_id(federated.id)
    await table.row("PATCH …/federatedIdentityCredentials/{id}", its.patch(fields(models.FederatedIdentityCredential, description="d")))
    kept = await table.row("GET …/federatedIdentityCredentials/{id}", app.read(its.get()))
    table.check("it is described", kept.description == "d")
    await table.row("GET …/federatedIdentityCredentials", app.read(one.federated_identity_credentials.get()))
    await table.row("DELETE …/federatedIdentityCredentials/{id}", its.delete())
    await table.row("POST …/owners/$ref", one.owners.ref.post(reference("directoryObjects", people[0]["id"])))
    owners = await table.row("GET …/owners", app.read(one.owners.get()))
    table.check("she owns it, and who made it", people[0]["id"] in {owner.id for owner in owners.value} and len(owners.value) == 2)
    await table.row("DELETE …/owners/{id}/$ref", one.owners.by_directory_object_id(people[0]["id"]).ref.delete())
    await table.row("GET /applications", app.read(graph.applications.get()))
    found = asking(graph.applications, {"ConsistencyLevel": "eventual"}, search='"displayName:SDK"', count=True)
    listed = await table.row("GET /applications?$search", app.read(graph.applications.get(found)))
    table.check("it is found", listed.odata_count == 1 and listed.value[0].id == made.id, f"{listed.odata_count}")

    principal = await table.row("POST /servicePrincipals", app.read(graph.service_principals.post(fields(models.ServicePrincipal, app_id=made.app_id))))
    of = graph.service_principals.by_service_principal_id(principal.id)
    await table.row("GET /servicePrincipals/{id}", app.read(of.get()))
    await table.row("PATCH /servicePrincipals/{id}", of.patch(fields(models.ServicePrincipal, tags=["b"], app_role_assignment_required=True)))
    await table.row("GET /servicePrincipals", app.read(graph.service_principals.get()))
    await table.row("GET /servicePrincipals(appId='…')", app.read(graph.service_principals_with_app_id(made.app_id).get()))
    assignment = fields(
        models.AppRoleAssignment, principal_id=uuid.UUID(people[1]["id"]), resource_id=uuid.UUID(principal.id), app_role_id=change.app_roles[0].id
    )
    given = await table.row("POST …/appRoleAssignedTo", app.read(of.app_role_assigned_to.post(assignment)))
    await table.row("GET …/appRoleAssignedTo", app.read(of.app_role_assigned_to.get()))
    hers = graph.users.by_user_id(people[1]["id"]).app_role_assignments
    listed = await table.row("GET /users/{id}/appRoleAssignments", app.read(hers.get()))
    table.check("she has the role", given.id in {one.id for one in listed.value})
    await table.row("DELETE …/appRoleAssignedTo/{id}", of.app_role_assigned_to.by_app_role_assignment_id(given.id).delete())
    await table.row("GET …/appRoleAssignments", app.read(of.app_role_assignments.get()))
    publisher = await graph.service_principals_with_app_id(GRAPH_APP).get()
    grant = fields(
        models.OAuth2PermissionGrant, client_id=principal.id, consent_type="AllPrincipals", resource_id=publisher.id, scope="User.Read"
    )
    granted = await table.row("POST /oauth2PermissionGrants", app.read(graph.oauth2_permission_grants.post(grant)))
    one_grant = graph.oauth2_permission_grants.by_o_auth2_permission_grant_id(granted.id)
    await table.row("GET /oauth2PermissionGrants/{id}", app.read(one_grant.get()))
    await table.row("GET /oauth2PermissionGrants", app.read(graph.oauth2_permission_grants.get()))
    await table.row("GET …/oauth2PermissionGrants", app.read(of.oauth2_permission_grants.get()))
    await table.row("DELETE /oauth2PermissionGrants/{id}", one_grant.delete())
    await table.row("DELETE /servicePrincipals/{id}", of.delete())
    await table.row("DELETE /applications/{id}", one.delete())
    gone = graph.directory.deleted_items.by_directory_object_id(made.id)
    await table.row("GET /directory/deletedItems/{id}", app.read(gone.get()))
    back = await table.row("POST …/restore", app.read(gone.restore.post()))
    table.check("it is an application again", isinstance(back, models.Application), type(back).__name__)
    await one.delete()
    await table.row("DELETE /directory/deletedItems/{id}", gone.delete())
    await table.row("GET /organization", app.read(graph.organization.get()))
    await table.row("GET /domains", app.read(graph.domains.get()))


async def users(table, app, people):
    """A user with a manager and a licence; every user, page by page."""
    graph = app.client
    user = fields(
        models.User, account_enabled=True, display_name="Sdk User", mail_nickname="sdk",
        user_principal_name=f"sdk@{DOMAIN}", usage_location="GB",
        password_profile=fields(models.PasswordProfile, password="A-long-one-9", force_change_password_next_sign_in=False),
    )
    made = await table.row("POST /users", app.read(graph.users.post(user)))
    one = graph.users.by_user_id(made.id)
    await table.row("GET /users/{id}", app.read(one.get()))
    await table.row("PATCH /users/{id}", one.patch(fields(models.User, job_title="Tester", other_mails=["x@example.org"])))
    every = ["id", "displayName", "userPrincipalName", "assignedLicenses", "assignedPlans", "createdDateTime", "jobTitle",
             "otherMails", "proxyAddresses", "usageLocation", "accountEnabled", "licenseAssignmentStates", "passwordProfile",
             "identities", "signInSessionsValidFromDateTime", "userType"]
    listed = await table.row("GET /users?$select", app.read(graph.users.get(asking(graph.users, select=every))))
    table.check("the change shows", any(user.job_title == "Tester" for user in listed.value))
    some = asking(graph.users, filter="startswith(displayName,'Sdk') and accountEnabled eq true", orderby=["displayName"], count=True)
    some.headers.add("ConsistencyLevel", "eventual")
    found = await table.row("GET /users?$filter&$orderby&$count", app.read(graph.users.get(some)))
    table.check("it is found alone", found.odata_count == 1 and found.value[0].id == made.id)
    await table.row("PUT …/manager/$ref", one.manager.ref.put(fields(models.ReferenceUpdate, odata_id=f"{GRAPH_LINKS}/users/{people[0]['id']}")))
    boss = await table.row("GET …/manager", app.read(one.manager.get()))
    table.check("she is a user", isinstance(boss, models.User) and boss.id == people[0]["id"], type(boss).__name__)
    reports = await table.row("GET …/directReports", app.read(graph.users.by_user_id(people[0]["id"]).direct_reports.get()))
    table.check("and has a report", made.id in {one.id for one in reports.value})
    await table.row("DELETE …/manager/$ref", one.manager.ref.delete())
    skus = await table.row("GET /subscribedSkus", app.read(graph.subscribed_skus.get()))
    licence = fields(models.AssignedLicense, sku_id=skus.value[0].sku_id, disabled_plans=[])
    await table.row("POST …/assignLicense", app.read(one.assign_license.post(body(one.assign_license, add_licenses=[licence], remove_licenses=[]))))
    await table.row("GET …/licenseDetails", app.read(one.license_details.get()))
    await table.row("POST …/revokeSignInSessions", app.read(one.revoke_sign_in_sessions.post()))

    # Paging with the SDK's own iterator, at two a page.
    first = await table.row("GET /users?$top=2", app.read(graph.users.get(asking(graph.users, top=2))))
    seen = []
    pages = PageIterator(first, app.adapter)
    await table.row("PageIterator", pages.iterate(lambda user: seen.append(user.id) or True))
    table.check("every user once", sorted(seen) == sorted(user.id for user in listed.value), f"{seen}")
    await table.row("DELETE /users/{id}", one.delete())
    await table.refused("a deleted user is not found", one.get(), 404, "Request_ResourceNotFound")


async def agents(table, app, people):
    """A blueprint, its principal, an agent identity and an agent user, as the SDK's own types."""
    graph = app.client
    sponsor = f"{GRAPH_LINKS}/users/{people[0]['id']}"
    blueprint = fields(models.AgentIdentityBlueprint, display_name="Blueprint")
    blueprint.additional_data = {"sponsors@odata.bind": [sponsor], "owners@odata.bind": [sponsor]}
    made = await table.row("POST /applications (agentIdentityBlueprint)", app.read(graph.applications.post(blueprint)))
    table.check("it is an AgentIdentityBlueprint", isinstance(made, models.AgentIdentityBlueprint), type(made).__name__)
    one = graph.applications.by_application_id(made.id)
    principal = fields(models.AgentIdentityBlueprintPrincipal, app_id=made.app_id)
    principal = await table.row("POST /servicePrincipals (agentIdentityBlueprintPrincipal)", app.read(graph.service_principals.post(principal)))
    table.check("it is an AgentIdentityBlueprintPrincipal", isinstance(principal, models.AgentIdentityBlueprintPrincipal))
    made_secret = await table.row("POST …/addPassword", app.read(one.add_password.post(body(one.add_password, password_credential=secret()))))
    # Agents are made with the blueprint's own token.
    publisher = await graph.service_principals_with_app_id(GRAPH_APP).get()
    role = next(role for role in publisher.app_roles if role.value == "AgentIdUser.ReadWrite.IdentityParentedBy")
    assignment = fields(models.AppRoleAssignment, principal_id=uuid.UUID(principal.id), resource_id=uuid.UUID(publisher.id), app_role_id=role.id)
    given = graph.service_principals.by_service_principal_id(principal.id).app_role_assignments
    await table.row("POST …/appRoleAssignments", app.read(given.post(assignment)))
    own = Graph(client_credentials(made.app_id, made_secret.secret_text))
    identity = fields(models.AgentIdentity, display_name="Agent", agent_identity_blueprint_id=made.app_id)
    identity.additional_data = {"sponsors@odata.bind": [sponsor]}
    identity = await table.row("POST /servicePrincipals (agentIdentity)", own.read(own.client.service_principals.post(identity)))
    table.check("it is an AgentIdentity", isinstance(identity, models.AgentIdentity), type(identity).__name__)
    read = await table.row("GET /servicePrincipals/{id}", app.read(graph.service_principals.by_service_principal_id(identity.id).get()))
    table.check("it is read as an AgentIdentity", isinstance(read, models.AgentIdentity))
    user = fields(
        models.AgentUser, account_enabled=True, display_name="Agent", mail_nickname="sdkagent",
        user_principal_name=f"sdkagent@{DOMAIN}", identity_parent_id=identity.id,
    )
    user = await table.row("POST /users (agentUser)", own.read(own.client.users.post(user)))
    table.check("it is an AgentUser", isinstance(user, models.AgentUser), type(user).__name__)
    sponsors = await table.row("GET /users/{id}/sponsors", app.read(graph.users.by_user_id(user.id).sponsors.get()))
    table.check("nobody answers for it yet", sponsors.value == [], str(sponsors.value))
    await table.row("DELETE /applications/{id}", one.delete())
    await table.row("GET /directory/deletedItems", app.read(graph.directory.deleted_items.graph_application.get()))


async def groups(table, app, people):
    """A group, who is in it, and what that makes them."""
    graph, (ada, grace, *_) = app.client, people
    group = fields(models.Group, display_name="Sdk", mail_enabled=False, mail_nickname="sdkgroup", security_enabled=True)
    made = await table.row("POST /groups", app.read(graph.groups.post(group)))
    one = graph.groups.by_group_id(made.id)
    await table.row("GET /groups/{id}", app.read(one.get()))
    await table.row("PATCH /groups/{id}", one.patch(fields(models.Group, description="words")))
    await table.row("POST …/members/$ref", one.members.ref.post(reference("directoryObjects", ada["id"])))
    members = await table.row("GET …/members", app.read(one.members.get()))
    table.check("she is a User", [(type(one), one.id) for one in members.value] == [(models.User, ada["id"])])
    inner = await graph.groups.post(fields(models.Group, display_name="In", mail_enabled=False, mail_nickname="in", security_enabled=True))
    await one.members.ref.post(reference("directoryObjects", inner.id))
    await graph.groups.by_group_id(inner.id).members.ref.post(reference("directoryObjects", grace["id"]))
    through = await table.row("GET …/transitiveMembers", app.read(one.transitive_members.get()))
    table.check("members of members are members", {one.id for one in through.value} == {ada["id"], grace["id"], inner.id})
    await table.row("POST …/owners/$ref", one.owners.ref.post(reference("users", grace["id"])))
    await table.row("GET …/owners", app.read(one.owners.get()))
    hers = graph.users.by_user_id(grace["id"])
    await table.row("GET /users/{id}/memberOf", app.read(hers.member_of.get()))
    await table.row("GET /users/{id}/transitiveMemberOf", app.read(hers.transitive_member_of.get()))
    check = hers.check_member_groups
    answer = await table.row("POST …/checkMemberGroups", app.read(check.post(body(check, group_ids=[made.id]))))
    table.check("she is in it", answer.value == [made.id])
    get = hers.get_member_groups
    await table.row("POST …/getMemberGroups", app.read(get.post(body(get, security_enabled_only=True))))
    by_ids = graph.directory_objects.get_by_ids
    answer = await table.row("POST /directoryObjects/getByIds", app.read(by_ids.post(body(by_ids, ids=[made.id, ada["id"]], types=["user", "group"]))))
    table.check("each is of its type", {type(one) for one in answer.value} == {models.User, models.Group})
    await table.row("DELETE …/members/{id}/$ref", one.members.by_directory_object_id(ada["id"]).ref.delete())
    await table.row("GET /groups", app.read(graph.groups.get()))
    await table.row("DELETE /groups/{id}", one.delete())


async def roles(table, app, people):
    """A directory role, given and taken."""
    graph = app.client
    unified = graph.role_management.directory
    await table.row("GET …/roleDefinitions", app.read(unified.role_definitions.get()))
    await table.row("GET …/roleDefinitions/{id}", app.read(unified.role_definitions.by_unified_role_definition_id(DIRECTORY_READERS).get()))
    wanted = fields(models.UnifiedRoleAssignment, role_definition_id=DIRECTORY_READERS, principal_id=people[1]["id"], directory_scope_id="/")
    made = await table.row("POST …/roleAssignments", app.read(unified.role_assignments.post(wanted)))
    hers = asking(unified.role_assignments, filter=f"principalId eq '{people[1]['id']}'")
    listed = await table.row("GET …/roleAssignments?$filter", app.read(unified.role_assignments.get(hers)))
    table.check("she has it", [one.role_definition_id for one in listed.value] == [DIRECTORY_READERS])
    await table.row("GET /directoryRoleTemplates", app.read(graph.directory_role_templates.get()))
    active = await table.row("GET /directoryRoles", app.read(graph.directory_roles.get()))
    role = next(one for one in active.value if one.role_template_id == DIRECTORY_READERS)
    members = await table.row("GET /directoryRoles/{id}/members", app.read(graph.directory_roles.by_directory_role_id(role.id).members.get()))
    table.check("both ways tell it", people[1]["id"] in {one.id for one in members.value})
    await table.row("DELETE …/roleAssignments/{id}", unified.role_assignments.by_unified_role_assignment_id(made.id).delete())


async def policies(table, app, people):
    """What the tenant allows: consent, credentials, access."""
    own = app.client.policies
    kept = await table.row("GET /policies/authorizationPolicy", app.read(own.authorization_policy.get()))
    table.check("users may consent", kept.default_user_role_permissions.permission_grant_policies_assigned != [])
    grants = own.permission_grant_policies
    await table.row("GET /policies/permissionGrantPolicies", app.read(grants.get()))
    mine = fields(models.PermissionGrantPolicy, id="sdk-policy", display_name="Mine", description="d")
    await table.row("POST /policies/permissionGrantPolicies", app.read(grants.post(mine)))
    its = grants.by_permission_grant_policy_id("sdk-policy")
    condition = fields(
        models.PermissionGrantConditionSet, permission_type=models.PermissionType.Delegated, resource_application="any", permissions=["all"]
    )
    await table.row("POST …/includes", app.read(its.includes.post(condition)))
    await table.row("GET …/includes", app.read(its.includes.get()))
    let_in = (await its.includes.get()).value[0]
    await table.row("DELETE …/includes/{id}", its.includes.by_permission_grant_condition_set_id(let_in.id).delete())
    left_out = await table.row("POST …/excludes", app.read(its.excludes.post(condition)))
    await table.row("GET …/excludes", app.read(its.excludes.get()))
    await table.row("DELETE …/excludes/{id}", its.excludes.by_permission_grant_condition_set_id(left_out.id).delete())
    await table.row("PATCH /policies/permissionGrantPolicies/{id}", its.patch(fields(models.PermissionGrantPolicy, description="e")))
    await table.row("GET /policies/permissionGrantPolicies/{id}", app.read(its.get()))
    allowed = fields(
        models.AuthorizationPolicy,
        default_user_role_permissions=fields(
            models.DefaultUserRolePermissions, permission_grant_policies_assigned=["ManagePermissionGrantsForSelf.sdk-policy"]
        ),
    )
    await table.row("PATCH /policies/authorizationPolicy", own.authorization_policy.patch(allowed))
    now = await table.row("GET /policies/authorizationPolicy", app.read(own.authorization_policy.get()))
    assigned = now.default_user_role_permissions.permission_grant_policies_assigned
    table.check("it is assigned", assigned == ["ManagePermissionGrantsForSelf.sdk-policy"], str(assigned))
    permissions = fields(
        models.DefaultUserRolePermissions,
        permission_grant_policies_assigned=kept.default_user_role_permissions.permission_grant_policies_assigned,
    )
    await own.authorization_policy.patch(fields(models.AuthorizationPolicy, default_user_role_permissions=permissions))
    await table.row("DELETE /policies/permissionGrantPolicies/{id}", its.delete())

    default = own.default_app_management_policy
    await table.row("GET /policies/defaultAppManagementPolicy", app.read(default.get()))
    off = fields(models.TenantAppManagementPolicy, is_enabled=False)
    await table.row("PATCH /policies/defaultAppManagementPolicy", default.patch(off))
    cap = fields(
        models.PasswordCredentialConfiguration, restriction_type=models.AppCredentialRestrictionType.PasswordLifetime,
        state=models.AppManagementRestrictionState.Enabled,
    )
    # The SDK writes a timedelta as Python prints it, which is no duration of OData's.
    cap.additional_data = {"maxLifetime": "P30D"}
    rules = fields(models.CustomAppManagementConfiguration, password_credentials=[cap], key_credentials=[])
    policy = fields(models.AppManagementPolicy, display_name="Short", description="d", is_enabled=True, restrictions=rules)
    made = await table.row("POST /policies/appManagementPolicies", app.read(own.app_management_policies.post(policy)))
    application = await app.client.applications.post(fields(models.Application, display_name="Capped"))
    one = app.client.applications.by_application_id(application.id)
    await table.row("POST …/appManagementPolicies/$ref", one.app_management_policies.ref.post(reference("policies/appManagementPolicies", made.id)))
    await table.refused(
        "a secret of two years is refused", one.add_password.post(body(one.add_password, password_credential=secret())),
        400, "CredentialInvalidLifetimeAsPerAppPolicy",
    )
    its = own.app_management_policies.by_app_management_policy_id(made.id)
    applied = await table.row("GET …/appliesTo", app.read(its.applies_to.get()))
    table.check("it says to whom", [one.id for one in applied.value] == [application.id])
    await table.row("PATCH /policies/appManagementPolicies/{id}", its.patch(fields(models.AppManagementPolicy, is_enabled=False)))
    await table.row("GET /policies/appManagementPolicies/{id}", app.read(its.get()))
    await table.row("GET /policies/appManagementPolicies", app.read(own.app_management_policies.get()))
    await table.row("DELETE …/appManagementPolicies/{id}/$ref", one.app_management_policies.by_app_management_policy_id(made.id).ref.delete())
    await table.row("DELETE /policies/appManagementPolicies/{id}", its.delete())
    await table.row("GET /policies/adminConsentRequestPolicy", app.read(own.admin_consent_request_policy.get()))
    await table.row("GET …/identitySecurityDefaultsEnforcementPolicy", app.read(own.identity_security_defaults_enforcement_policy.get()))
    await table.row("GET …/appConsentRequests", app.read(app.client.identity_governance.app_consent.app_consent_requests.get()))

    access = app.client.identity.conditional_access.policies
    conditions = fields(
        models.ConditionalAccessConditionSet, client_app_types=[models.ConditionalAccessClientApp.All],
        applications=fields(models.ConditionalAccessApplications, include_applications=["All"]),
        users=fields(models.ConditionalAccessUsers, include_users=[people[2]["id"]]),
    )
    control = fields(models.ConditionalAccessGrantControls, operator="OR", built_in_controls=[models.ConditionalAccessGrantControl.Mfa])
    wanted = fields(
        models.ConditionalAccessPolicy, display_name="Second factor", state=models.ConditionalAccessPolicyState.Enabled,
        conditions=conditions, grant_controls=control,
    )
    made = await table.row("POST /identity/conditionalAccess/policies", app.read(access.post(wanted)))
    one = access.by_conditional_access_policy_id(made.id)
    await table.row("GET /identity/conditionalAccess/policies", app.read(access.get()))
    await table.row("PATCH …/policies/{id}", one.patch(fields(models.ConditionalAccessPolicy, state=models.ConditionalAccessPolicyState.Disabled)))
    kept = await table.row("GET …/policies/{id}", app.read(one.get()))
    table.check("it is off", kept.state == models.ConditionalAccessPolicyState.Disabled)
    await table.row("DELETE …/policies/{id}", one.delete())


async def me(table, ada, app, people):
    """Who I am."""
    mine = ada.client.me
    await table.row("GET /me", ada.read(mine.get()))
    await table.row("PATCH /me", mine.patch(fields(models.User, mobile_phone="+44 20 7946 0018")))
    await table.row("GET /me/licenseDetails", ada.read(mine.license_details.get()))
    await table.row("GET /me/memberOf", ada.read(mine.member_of.get()))
    picture = bytes.fromhex("ffd8ffe000104a46494600010100000100010000ffc0000b080030003001011100ffd9")
    await table.row("PUT /me/photo/$value", mine.photo.content.put(picture))
    await table.row("GET /me/photo", ada.read(mine.photo.get()))
    kept = await table.row("GET /me/photo/$value", mine.photo.content.get())
    table.check("the photo is what it was", kept == picture)
    await table.row("DELETE /me/photo", mine.photo.delete())
    hers = app.client.users.by_user_id(people[0]["id"]).manager
    await hers.ref.put(reference("users", people[2]["id"]))
    above = await table.row("GET /me/manager", ada.read(mine.manager.get()))
    table.check("it is he", above.id == people[2]["id"])
    await hers.ref.delete()

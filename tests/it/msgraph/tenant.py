"""What becomes of a tenant with Microsoft's Graph SDK: guests, domains, what changed in the directory, what a
blueprint passes on, and chats that an administrator takes away."""

from kiota_abstractions.method import Method

from directory import GRAPH_APP, reference
from names import send
from sdk import READY, asking, body, fields, models
from teams import member


async def guests(table, app):
    """Somebody from outside is invited."""
    graph = app.client
    wanted = fields(
        models.Invitation, invited_user_email_address="guest@fabrikam.example", invite_redirect_url="https://contoso.example",
        send_invitation_message=False,
    )
    made = await table.row("POST /invitations", app.read(graph.invitations.post(wanted)))
    kept = await app.read(graph.users.by_user_id(made.invited_user.id).get())
    table.check("there is a guest", "#EXT#" in kept.user_principal_name, kept.user_principal_name)
    await graph.users.by_user_id(made.invited_user.id).delete()


async def domains(table, app):
    """A name below one that the tenant has proved is its own, and so is proved too."""
    wanted = fields(models.Domain, id=f"eu.{READY['domain']}")
    made = await table.row("POST /domains", app.read(app.client.domains.post(wanted)))
    table.check("it is verified", made.is_verified is True)
    await table.row("DELETE /domains/{id}", app.client.domains.by_domain_id(made.id).delete())


async def changes(table, app, people):
    """Rounds of delta: what is there, and then what changed."""
    graph = app.client
    group = fields(models.Group, display_name="New", mail_nickname="new", mail_enabled=False, security_enabled=True)
    for name, delta in (("users", graph.users.delta), ("groups", graph.groups.delta)):
        async def round_of(link):
            page = await table.row(f"GET /{name}/delta", app.read(delta.with_url(link).get() if link else delta.get()))
            known = {one.id for one in page.value}
            while page.odata_next_link:
                page = await table.row(f"GET /{name}/delta, next page", app.read(delta.with_url(page.odata_next_link).get()))
                known |= {one.id for one in page.value}
            return page.odata_delta_link, known

        link, known = await round_of(None)
        if name == "users":
            table.check("everybody is there", {one["id"] for one in people} <= known)
            changed = people[1]["id"]
            await graph.users.by_user_id(changed).patch(fields(models.User, job_title="Admiral"))
        else:
            changed = (await graph.groups.post(group)).id
        _, known = await round_of(link)
        table.check("only what changed is told", known == {changed}, str(known))


async def inheritance(table, app, people):
    """What a blueprint passes on to its identities; the SDK has no builder for it."""
    graph = app.client
    blueprint = fields(models.AgentIdentityBlueprint, display_name="Passes on")
    blueprint.additional_data = {"sponsors@odata.bind": [f"https://graph.microsoft.com/v1.0/users/{people[0]['id']}"]}
    blueprint = await graph.applications.post(blueprint)
    at = f"/applications/{blueprint.id}/microsoft.graph.agentIdentityBlueprint/inheritablePermissions"

    async def row(method, path, model=None, json=None):
        what = f"{method.value} {path}".replace(blueprint.id, "{id}")
        return await table.row(what, app.read(send(app, method, path, model, json=json)))

    def passes(*scopes):
        scopes = fields(models.EnumeratedScopes, kind=models.ScopeCollectionKind.Enumerated, scopes=list(scopes))
        return fields(models.InheritablePermission, inheritable_scopes=scopes)

    wanted = passes("User.Read")
    wanted.resource_app_id = GRAPH_APP
    await row(Method.POST, at, models.InheritablePermission, wanted)
    table.check("it is told", GRAPH_APP.encode() in await row(Method.GET, at))
    await row(Method.PATCH, f"{at}/{GRAPH_APP}", json=passes("User.Read", "Mail.Read"))
    kept = await row(Method.GET, f"{at}/{GRAPH_APP}", models.InheritablePermission)
    table.check("it passes on both", kept.inheritable_scopes.scopes == ["User.Read", "Mail.Read"])
    await row(Method.DELETE, f"{at}/{GRAPH_APP}")
    principal = await graph.service_principals.post(fields(models.AgentIdentityBlueprintPrincipal, app_id=blueprint.app_id))
    its = f"/servicePrincipals/{principal.id}/microsoft.graph.agentIdentityBlueprintPrincipal/sponsors"
    await row(Method.GET, its, models.DirectoryObjectCollectionResponse)
    await graph.applications.by_application_id(blueprint.id).delete()


async def deleted_chats(table, app, ada, people):
    """An administrator deletes a chat, and takes that back; and the app tells those in it something."""
    graph = app.client
    made = await ada.client.chats.post(
        fields(models.Chat, chat_type=models.ChatType.Group, topic="Gone", members=[member(one) for one in people[:3]])
    )
    await notifications(table, app, made.id, people)
    await table.row("DELETE /chats/{id}", graph.chats.by_chat_id(made.id).delete())
    gone = graph.teamwork.deleted_chats.by_deleted_chat_id(made.id)
    await table.row("GET /teamwork/deletedChats/{id}", app.read(gone.get()))
    await table.row("POST …/undoDelete", gone.undo_delete.post())
    back = await ada.read(ada.client.chats.by_chat_id(made.id).get())
    table.check("it is there again", back.topic == "Gone")


async def notifications(table, app, chat, people):
    """The activity feed."""
    topic = fields(models.TeamworkActivityTopic, source=models.TeamworkActivityTopicSource.Text, value="Loop", web_url="https://teams.microsoft.com/l/entity/x")
    preview = fields(models.ItemBody, content="New task")
    told = {"topic": topic, "activity_type": "taskCreated", "preview_text": preview}
    to_one = app.client.users.by_user_id(people[1]["id"]).teamwork.send_activity_notification
    await table.row("POST /users/{id}/teamwork/sendActivityNotification", to_one.post(body(to_one, **told)))
    recipient = fields(models.AadUserNotificationRecipient, user_id=people[1]["id"])
    in_chat = app.client.chats.by_chat_id(chat).send_activity_notification
    await table.row("POST /chats/{id}/sendActivityNotification", in_chat.post(body(in_chat, recipient=recipient, **told)))


async def roles(table, app, people):
    """A role that is made active, and given by its own address."""
    graph = app.client
    templates = await graph.directory_role_templates.get()
    active = {one.role_template_id for one in (await graph.directory_roles.get()).value}
    wanted = next(one for one in templates.value if one.id not in active)
    made = await table.row("POST /directoryRoles", app.read(graph.directory_roles.post(fields(models.DirectoryRole, role_template_id=wanted.id))))
    members = graph.directory_roles.by_directory_role_id(made.id).members
    await table.row("POST /directoryRoles/{id}/members/$ref", members.ref.post(reference("directoryObjects", people[1]["id"])))
    assignments = graph.role_management.directory.role_assignments
    hers = asking(assignments, filter=f"principalId eq '{people[1]['id']}'")
    one = (await assignments.get(hers)).value[0]
    await table.row("GET …/roleAssignments/{id}", app.read(assignments.by_unified_role_assignment_id(one.id).get()))
    await table.row("DELETE /directoryRoles/{id}/members/{id}/$ref", members.by_directory_object_id(people[1]["id"]).ref.delete())


async def publisher(table, ada):
    """Who vouches for an application; only a person may say so."""
    applications = ada.client.applications
    made = await applications.post(fields(models.Application, display_name="Vouched for"))
    one = applications.by_application_id(made.id)
    verify = one.set_verified_publisher
    await table.row("POST …/setVerifiedPublisher", verify.post(body(verify, verified_publisher_id="1234567")))
    kept = await ada.read(one.get())
    table.check("it is vouched for", kept.verified_publisher.verified_publisher_id == "1234567")
    await table.row("POST …/unsetVerifiedPublisher", one.unset_verified_publisher.post())
    await one.delete()


async def credentials(table, app):
    """A principal's own secret."""
    graph = app.client
    application = await graph.applications.post(fields(models.Application, display_name="Own secret"))
    principal = await graph.service_principals.post(fields(models.ServicePrincipal, app_id=application.app_id))
    one = graph.service_principals.by_service_principal_id(principal.id)
    wanted = body(one.add_password, password_credential=fields(models.PasswordCredential, display_name="s"))
    made = await table.row("POST /servicePrincipals/{id}/addPassword", app.read(one.add_password.post(wanted)))
    await table.row("POST /servicePrincipals/{id}/removePassword", one.remove_password.post(body(one.remove_password, key_id=made.key_id)))
    await graph.applications.by_application_id(application.id).delete()


async def letters(table, app, ada, people):
    """Whether a group's letters come to one's own mailbox too."""
    group = await app.client.groups.post(fields(
        models.Group, display_name="Letters", mail_nickname="letters", mail_enabled=True, security_enabled=False, group_types=["Unified"],
    ))
    await app.client.groups.by_group_id(group.id).members.ref.post(reference("directoryObjects", people[0]["id"]))
    own = ada.client.groups.by_group_id(group.id)
    await table.row("POST /groups/{id}/subscribeByMail", own.subscribe_by_mail.post())
    await table.row("POST /groups/{id}/unsubscribeByMail", own.unsubscribe_by_mail.post())
    await app.client.groups.by_group_id(group.id).delete()


async def sponsors(table, app, people):
    """Who answers for a person."""
    theirs = app.client.users.by_user_id(people[2]["id"]).sponsors
    await table.row("POST /users/{id}/sponsors/$ref", theirs.ref.post(reference("users", people[0]["id"])))
    await table.row("DELETE /users/{id}/sponsors/{id}/$ref", theirs.by_directory_object_id(people[0]["id"]).ref.delete())


async def sessions(table, ada):
    """A person is signed out everywhere; what comes after this has to sign in again."""
    await table.row("POST /me/revokeSignInSessions", ada.client.me.revoke_sign_in_sessions.post())


async def consent_requests(table, app, people):
    """Who is asked for what only an administrator may allow."""
    policy = app.client.policies.admin_consent_request_policy
    scope = fields(models.AccessReviewReviewerScope, query=f"/users/{people[0]['id']}", query_type="MicrosoftGraph")
    wanted = fields(
        models.AdminConsentRequestPolicy, is_enabled=True, notify_reviewers=True, reminders_enabled=True, request_duration_in_days=5,
        reviewers=[scope],
    )
    # The SDK changes it by PATCH only, which Graph does not document.
    await table.row("PUT /policies/adminConsentRequestPolicy", send(app, Method.PUT, "/policies/adminConsentRequestPolicy", json=wanted))
    kept = await policy.get()
    table.check("they are asked for five days", (kept.is_enabled, kept.request_duration_in_days) == (True, 5), str((kept.is_enabled, kept.request_duration_in_days)))

"""The same things under each of the names that Graph has for them: `/me` and `/users/{id}`, a message in its mailbox
and in its folder, a file in the drive of a person and in a drive."""

import uuid

from kiota_abstractions.method import Method
from kiota_abstractions.request_information import RequestInformation

from mail import html, to
from sdk import GRAPH_LINKS, URL, asking, body, fields, models
from teams import DOT, member, said


async def messages(table, graph, where, messages, people):
    """The life of a letter at one address."""
    async def row(what, call):
        return await table.row(f"{what} at {where}", call)

    made = await row("POST messages", graph.read(messages.post(fields(models.Message, subject=where, body=html("x"), to_recipients=[to(people[2])], reply_to=[to(people[1])]))))
    one = messages.by_message_id(made.id)
    await row("GET messages", graph.read(messages.get(asking(messages, top=5))))
    table.check("they are counted", await row("GET $count", messages.count.get()) >= 1)
    await row("GET message", graph.read(one.get()))
    await row("PATCH message", graph.read(one.patch(fields(models.Message, subject=f"{where}!"))))
    await row("GET $value", one.content.get())
    small = fields(models.FileAttachment, name="a.txt", content_type="text/plain", content_bytes=b"words")
    kept = await row("POST attachments", graph.read(one.attachments.post(small)))
    await row("GET attachments", graph.read(one.attachments.get()))
    its = one.attachments.by_attachment_id(kept.id)
    await row("GET attachment", graph.read(its.get()))
    # The SDK has no builder for what an attachment holds.
    at = its.to_get_request_information()
    at.path_parameters["baseurl"] = ""
    value = await row("GET attachment $value", send(graph, Method.GET, f"{at.url}/$value"))
    table.check("it is what it was", value == b"words")
    large = body(one.attachments.create_upload_session, attachment_item=fields(
        models.AttachmentItem, attachment_type=models.AttachmentType.File, name="b", size=3_200_000,
    ))
    await row("POST createUploadSession", graph.read(one.attachments.create_upload_session.post(large)))
    await row("DELETE attachment", its.delete())
    copy = await row("POST copy", graph.read(one.copy.post(body(one.copy, destination_id="drafts"))))
    for action in ("create_reply", "create_reply_all", "create_forward"):
        answer = getattr(one, action)
        await row(f"POST {action}", graph.read(answer.post(body(answer))))
    await row("POST reply", one.reply.post(body(one.reply, comment="a")))
    await row("POST replyAll", one.reply_all.post(body(one.reply_all, comment="b")))
    await row("POST forward", one.forward.post(body(one.forward, comment="c", to_recipients=[to(people[2])])))
    moved = await row("POST move", graph.read(messages.by_message_id(copy.id).move.post(body(one.move, destination_id="drafts"))))
    await row("POST permanentDelete", messages.by_message_id(moved.id).permanent_delete.post())
    await row("POST send", one.send.post())
    gone = await messages.post(fields(models.Message, subject="Gone"))
    await row("DELETE message", messages.by_message_id(gone.id).delete())


async def mailboxes(table, ada, app, people):
    """A mailbox by `/me` and by `/users/{id}`, its messages and those of a folder."""
    theirs = app.client.users.by_user_id(people[0]["id"])
    for where, graph, owner in (("/me", ada, ada.client.me), ("/users/{id}", app, theirs)):
        await messages(table, graph, where, owner.messages, people)
        await messages(table, graph, f"{where}/mailFolders/{{id}}", owner.mail_folders.by_mail_folder_id("drafts").messages, people)
        await folders(table, graph, where, owner)
    await table.row("GET /users/{id}/mailboxSettings", app.read(theirs.mailbox_settings.get()))
    await table.row("PATCH /users/{id}/mailboxSettings", app.read(theirs.mailbox_settings.patch(fields(models.MailboxSettings, time_zone="UTC"))))
    for where, graph, owner in (("/me", ada, ada.client.me), ("/users/{id}", app, theirs)):
        await graph.read(send(graph, Method.GET, f"{path(where, people)}/mailboxSettings/timeZone"))
        categories = owner.outlook.master_categories
        category = fields(models.OutlookCategory, display_name=f"Of {where}", color=models.CategoryColor.Preset1)
        made = await table.row(f"POST masterCategories at {where}", graph.read(categories.post(category)))
        one = categories.by_outlook_category_id(made.id)
        await table.row(f"GET masterCategories at {where}", graph.read(categories.get()))
        await table.row(f"GET category at {where}", graph.read(one.get()))
        await table.row(f"PATCH category at {where}", graph.read(one.patch(fields(models.OutlookCategory, color=models.CategoryColor.Preset2))))
        await table.row(f"DELETE category at {where}", one.delete())


async def folders(table, graph, where, owner):
    """The life of a folder at one address."""
    async def row(what, call):
        return await table.row(f"{what} at {where}", call)

    all_of = owner.mail_folders
    made = await row("POST mailFolders", graph.read(all_of.post(fields(models.MailFolder, display_name=f"Of {where}"))))
    one = all_of.by_mail_folder_id(made.id)
    await row("GET mailFolder", graph.read(one.get()))
    await row("PATCH mailFolder", graph.read(one.patch(fields(models.MailFolder, display_name=f"At {where}"))))
    child = await row("POST childFolders", graph.read(one.child_folders.post(fields(models.MailFolder, display_name="In"))))
    await row("GET childFolders", graph.read(one.child_folders.get()))
    await row("GET childFolder", graph.read(one.child_folders.by_mail_folder_id1(child.id).get()))
    await row("GET mailFolders/delta", graph.read(all_of.delta.get()))
    await row("GET messages/delta", graph.read(one.messages.delta.get()))
    copied = await row("POST mailFolder copy", graph.read(one.copy.post(body(one.copy, destination_id="archive"))))
    move = all_of.by_mail_folder_id(copied.id).move
    moved = await row("POST mailFolder move", graph.read(move.post(body(move, destination_id="inbox"))))
    await row("POST mailFolder permanentDelete", all_of.by_mail_folder_id(moved.id).permanent_delete.post())
    await row("DELETE mailFolder", one.delete())


def path(where, people):
    return where.replace("{id}", people[0]["id"])


def send(graph, method, path, model=None, json=None, content=None):
    """A request that the SDK has no builder for, by its adapter; what comes is read by its parser."""
    info = RequestInformation()
    info.http_method, info.url = method, f"{URL}/v1.0{path}"
    if json is not None:
        info.set_content_from_parsable(graph.adapter, "application/json", json)
    if content is not None:
        info.set_stream_content(content)
    if model is None:
        return graph.adapter.send_primitive_async(info, "bytes", {})
    return graph.adapter.send_async(info, model, {})


async def drives(table, ada, app, people):
    """A drive by its person; the SDK has builders for the drive's own name only."""
    for where, graph in (("/me/drive", ada), (f"/users/{people[0]['id']}/drive", ada)):
        name = where.partition("/drive")[0].replace(people[0]["id"], "{id}")

        async def row(what, method, path, *rest, **more):
            return await table.row(f"{what} at {name}/drive", graph.read(send(graph, method, f"{where}{path}", *rest, **more)))

        folder = fields(models.DriveItem, name=f"By {name.strip('/')[:2]}", folder=models.Folder())
        made = await row("POST children", Method.POST, "/root/children", models.DriveItem, json=folder)
        at = f"/items/{made.id}"
        file = await row("PUT content", Method.PUT, f"{at}:/a.txt:/content", models.DriveItem, content=b"words")
        table.check("it is read back", await row("GET content", Method.GET, f"/items/{file.id}/content") == b"words")
        await row("GET item", Method.GET, f"/items/{file.id}", models.DriveItem)
        await row("PATCH item", Method.PATCH, f"/items/{file.id}", models.DriveItem, json=fields(models.DriveItem, description="d"))
        await row("GET children", Method.GET, f"{at}/children", models.DriveItemCollectionResponse)
        await row("GET delta", Method.GET, "/root/delta", models.DriveItemCollectionResponse)
        await row("GET search", Method.GET, "/root/search(q='a')", models.DriveItemCollectionResponse)
        await row("GET drive search", Method.GET, "/search(q='a')", models.DriveItemCollectionResponse)
        await row("GET recent", Method.GET, "/recent", models.DriveItemCollectionResponse)
        await row("GET sharedWithMe", Method.GET, "/sharedWithMe", models.DriveItemCollectionResponse)
        await row("GET versions", Method.GET, f"/items/{file.id}/versions", models.DriveItemVersionCollectionResponse)
        await row("GET permissions", Method.GET, f"/items/{file.id}/permissions", models.PermissionCollectionResponse)
        await one_file(table, row, ada.client.drives.by_drive_id(made.parent_reference.drive_id).items, file.id, people)
        await row("DELETE item", Method.DELETE, at)
        await row("GET drive", Method.GET, "", models.Drive)
    await table.row("GET /me/drives", ada.read(ada.client.me.drives.get()))
    await table.row("GET /users/{id}/drives", ada.read(ada.client.users.by_user_id(people[0]["id"]).drives.get()))


async def one_file(table, row, items, file, people):
    """Versions, sharing, copies and changes of one file; the bodies are those that the SDK has for `/drives/{id}`."""
    at, builder = f"/items/{file}", items.by_drive_item_id(file)
    await row("PUT content again", Method.PUT, f"{at}/content", models.DriveItem, content=b"more words")
    first = (await builder.versions.get()).value[-1].id
    await row("GET version", Method.GET, f"{at}/versions/{first}", models.DriveItemVersion)
    old = await row("GET version content", Method.GET, f"{at}/versions/{first}/content")
    table.check("it is what it was", old == b"words", repr(old))
    await row("POST restoreVersion", Method.POST, f"{at}/versions/{first}/restoreVersion")
    link = body(builder.create_link, type="view", scope="organization")
    await row("POST createLink", Method.POST, f"{at}/createLink", models.Permission, json=link)
    invited = body(
        builder.invite, recipients=[fields(models.DriveRecipient, email=people[1]["upn"])], roles=["read"], require_sign_in=True,
        send_invitation=False,
    )
    await row("POST invite", Method.POST, f"{at}/invite", models.PermissionCollectionResponse, json=invited)
    shared = next(one for one in (await builder.permissions.get()).value if one.granted_to_v2 and one.roles == ["read"])
    its = f"{at}/permissions/{shared.id}"
    await row("GET permission", Method.GET, its, models.Permission)
    changed = await row("PATCH permission", Method.PATCH, its, models.Permission, json=fields(models.Permission, roles=["write"]))
    table.check("it is wider", changed.roles == ["write"], str(changed.roles))
    await row("DELETE permission", Method.DELETE, its)
    await row("POST copy", Method.POST, f"{at}/copy", json=body(builder.copy, name="b.txt"))
    item = fields(models.DriveItemUploadableProperties, name="a.txt")
    session = body(builder.create_upload_session, item=item)
    await row("POST createUploadSession", Method.POST, f"{at}/createUploadSession", models.UploadSession, json=session)
    latest = await items.by_drive_item_id("root").delta_with_token("latest").get()
    table.check("nothing is new", latest.value == [])
    await row("GET delta(token)", Method.GET, "/items/root/delta(token='latest')", models.DriveItemCollectionResponse)


async def directory(table, ada, app, people):
    """What else there is to ask of oneself and of the tenant."""
    mine, graph = ada.client.me, app.client
    groups, objects = body(mine.check_member_groups, group_ids=[people[1]["id"]]), body(mine.check_member_objects, ids=[people[1]["id"]])
    await table.row("POST /me/checkMemberGroups", ada.read(mine.check_member_groups.post(groups)))
    await table.row("POST /me/checkMemberObjects", ada.read(mine.check_member_objects.post(objects)))
    every = {"security_enabled_only": False}
    await table.row("POST /me/getMemberGroups", ada.read(mine.get_member_groups.post(body(mine.get_member_groups, **every))))
    await table.row("POST /me/getMemberObjects", ada.read(mine.get_member_objects.post(body(mine.get_member_objects, **every))))
    await table.row("GET /me/directReports", ada.read(mine.direct_reports.get()))
    await table.row("GET /me/sponsors", ada.read(mine.sponsors.get()))
    await table.row("GET /me/transitiveMemberOf", ada.read(mine.transitive_member_of.get()))
    await table.row("DELETE /me/photo/$value", mine.photo.content.delete())
    theirs = graph.users.by_user_id(people[1]["id"])
    await table.row("POST …/checkMemberObjects", app.read(theirs.check_member_objects.post(objects)))
    await table.row("POST …/getMemberObjects", app.read(theirs.get_member_objects.post(body(theirs.get_member_objects, **every))))
    organization = (await graph.organization.get()).value[0]
    await table.row("GET /organization/{id}", app.read(graph.organization.by_organization_id(organization.id).get()))
    domain = (await graph.domains.get()).value[0]
    await table.row("GET /domains/{id}", app.read(graph.domains.by_domain_id(domain.id).get()))
    sku = (await graph.subscribed_skus.get()).value[0]
    await table.row("GET /subscribedSkus/{id}", app.read(graph.subscribed_skus.by_subscribed_sku_id(sku.id).get()))
    role = (await graph.directory_roles.get()).value[0]
    await table.row("GET /directoryRoles/{id}", app.read(graph.directory_roles.by_directory_role_id(role.id).get()))
    template = graph.directory_role_templates.by_directory_role_template_id(role.role_template_id)
    await table.row("GET /directoryRoleTemplates/{id}", app.read(template.get()))
    own = graph.policies
    policy = own.permission_grant_policies.by_permission_grant_policy_id("microsoft-user-default-low")
    await table.row("GET /policies/permissionGrantPolicies/{id}", app.read(policy.get()))
    principal = (await graph.service_principals.get()).value[0]
    of = graph.service_principals.by_service_principal_id(principal.id)
    await table.row("GET /servicePrincipals/{id}/memberOf", app.read(of.member_of.get()))
    await table.row("GET /servicePrincipals/{id}/transitiveMemberOf", app.read(of.transitive_member_of.get()))
    await table.row("GET /servicePrincipals/{id}/owners", app.read(of.owners.get()))
    object_of = graph.directory_objects.by_directory_object_id(people[1]["id"])
    await table.row("GET /directoryObjects/{id}", app.read(object_of.get()))
    for action, values in (
        ("check_member_groups", {"group_ids": [people[1]["id"]]}), ("check_member_objects", {"ids": [people[1]["id"]]}),
        ("get_member_groups", every), ("get_member_objects", every),
    ):
        ask = getattr(object_of, action)
        await table.row(f"POST /directoryObjects/{{id}}/{action}", app.read(ask.post(body(ask, **values))))
    await photos(table, app, theirs)
    await assignments(table, app, people)


async def photos(table, app, theirs):
    """Another's picture."""
    await table.row("PUT /users/{id}/photo/$value", theirs.photo.content.put(DOT))
    await table.row("GET /users/{id}/photo", app.read(theirs.photo.get()))
    table.check("it is read back", await table.row("GET /users/{id}/photo/$value", theirs.photo.content.get()) == DOT)
    await table.row("DELETE /users/{id}/photo/$value", theirs.photo.content.delete())
    await theirs.photo.content.put(DOT)
    await table.row("DELETE /users/{id}/photo", theirs.photo.delete())


async def assignments(table, app, people):
    """A person, a group and a principal get an application's role, and lose it; and a group of groups."""
    graph = app.client
    role = fields(
        models.AppRole, id=uuid.uuid4(), value="Read", display_name="Read", description="Read", is_enabled=True,
        allowed_member_types=["User", "Application"],
    )
    application = await graph.applications.post(fields(models.Application, display_name="With a role", app_roles=[role]))
    resource = await graph.service_principals.post(fields(models.ServicePrincipal, app_id=application.app_id))
    group = await graph.groups.post(
        fields(models.Group, display_name="Assigned", mail_nickname="assigned", mail_enabled=False, security_enabled=True)
    )
    for kind, owner in (
        ("users", graph.users.by_user_id(people[1]["id"])), ("groups", graph.groups.by_group_id(group.id)),
        ("servicePrincipals", graph.service_principals.by_service_principal_id(resource.id)),
    ):
        who = {"users": people[1]["id"], "groups": group.id}.get(kind, resource.id)
        wanted = fields(models.AppRoleAssignment, principal_id=uuid.UUID(who), resource_id=uuid.UUID(resource.id), app_role_id=role.id)
        made = await table.row(f"POST /{kind}/{{id}}/appRoleAssignments", app.read(owner.app_role_assignments.post(wanted)))
        listed = await table.row(f"GET /{kind}/{{id}}/appRoleAssignments", app.read(owner.app_role_assignments.get()))
        table.check("it is told", made.id in [one.id for one in listed.value])
        one = owner.app_role_assignments.by_app_role_assignment_id(made.id)
        await table.row(f"DELETE /{kind}/{{id}}/appRoleAssignments/{{id}}", one.delete())
    its = graph.groups.by_group_id(group.id)
    await table.row("GET /groups/{id}/memberOf", app.read(its.member_of.get()))
    await table.row("GET /groups/{id}/transitiveMemberOf", app.read(its.transitive_member_of.get()))
    for name, refs in (
        ("groups", its.owners), ("servicePrincipals", graph.service_principals.by_service_principal_id(resource.id).owners),
    ):
        for person in people[:2]:
            owner = fields(models.ReferenceCreate, odata_id=f"{GRAPH_LINKS}/users/{person['id']}")
            await table.row(f"POST /{name}/{{id}}/owners/$ref", refs.ref.post(owner))
        await table.row(f"DELETE /{name}/{{id}}/owners/{{id}}/$ref", refs.by_directory_object_id(people[1]["id"]).ref.delete())
    await its.delete()
    await table.row("DELETE /servicePrincipals/{id}", graph.service_principals.by_service_principal_id(resource.id).delete())
    await graph.applications.by_application_id(application.id).delete()


async def agents(table, app, people):
    """An agent's objects with their types in the path, for which the SDK has no builders."""
    async def row(what, method, path, *rest, **more):
        return await table.row(f"{what} {path}".replace(blueprint.id, "{id}"), app.read(send(app, method, path, *rest, **more)))

    graph, sponsor = app.client, f"{GRAPH_LINKS}/users/{people[0]['id']}"
    blueprint = fields(models.AgentIdentityBlueprint, display_name="Cast")
    blueprint.additional_data = {"sponsors@odata.bind": [sponsor], "owners@odata.bind": [sponsor]}
    blueprint = await graph.applications.post(blueprint)
    principal = await graph.service_principals.post(fields(models.AgentIdentityBlueprintPrincipal, app_id=blueprint.app_id))
    at = f"/applications/{blueprint.id}/microsoft.graph.agentIdentityBlueprint"
    read = await row("GET", Method.GET, at, models.AgentIdentityBlueprint)
    table.check("it is read as what it is", isinstance(read, models.AgentIdentityBlueprint), type(read).__name__)
    await row("PATCH", Method.PATCH, at, json=fields(models.AgentIdentityBlueprint, display_name="Cast 2"))
    credential = fields(
        models.FederatedIdentityCredential, name="ci-cast", issuer="https://ci.example", subject="x", audiences=["api://AzureADTokenExchange"]
    )
    made = await row("POST", Method.POST, f"{at}/federatedIdentityCredentials", models.FederatedIdentityCredential, json=credential)
    await row("GET", Method.GET, f"{at}/federatedIdentityCredentials", models.FederatedIdentityCredentialCollectionResponse)
    one = f"{at}/federatedIdentityCredentials/{made.id}"
    await row("GET", Method.GET, one, models.FederatedIdentityCredential)
    await row("PATCH", Method.PATCH, one, json=fields(models.FederatedIdentityCredential, description="d"))
    await row("DELETE", Method.DELETE, one)
    secret = body(graph.applications.by_application_id(blueprint.id).add_password, password_credential=fields(models.PasswordCredential, display_name="s"))
    given = await row("POST", Method.POST, f"{at}/addPassword", models.PasswordCredential, json=secret)
    taken = body(graph.applications.by_application_id(blueprint.id).remove_password, key_id=given.key_id)
    await row("POST", Method.POST, f"{at}/removePassword", json=taken)
    also = fields(models.ReferenceCreate, odata_id=f"{GRAPH_LINKS}/users/{people[1]['id']}")
    for sponsors in (f"/applications/{blueprint.id}/sponsors", f"{at}/sponsors"):
        await row("POST", Method.POST, f"{sponsors}/$ref", json=also)
        await row("DELETE", Method.DELETE, f"{sponsors}/{people[1]['id']}/$ref")
    await row("GET", Method.GET, f"/applications/{blueprint.id}/sponsors", models.DirectoryObjectCollectionResponse)
    cast = "microsoft.graph.agentIdentityBlueprintPrincipal"
    await row("GET", Method.GET, f"/servicePrincipals/{cast}", models.ServicePrincipalCollectionResponse)
    it = f"/servicePrincipals/{principal.id}/{cast}"
    await row("GET", Method.GET, it, models.ServicePrincipal)
    await row("PATCH", Method.PATCH, it, json=fields(models.ServicePrincipal, tags=["c"]))
    await row("DELETE", Method.DELETE, it)
    await graph.applications.by_application_id(blueprint.id).delete()


async def chats(table, ada, people, tenant):
    """A chat by `/me` and by `/users/{id}`."""
    graph = ada.client
    made = await graph.chats.post(fields(models.Chat, chat_type=models.ChatType.OneOnOne, members=[member(one) for one in people[:2]]))
    await table.row("GET /chats", ada.read(graph.chats.get()))
    for where, owner in (("/me", graph.me), ("/users/{id}", graph.users.by_user_id(people[0]["id"]))):
        async def row(what, call):
            return await table.row(f"{what} at {where}/chats", call)

        one = owner.chats.by_chat_id(made.id)
        await row("GET chat", ada.read(one.get()))
        listed = await row("GET members", ada.read(one.members.get()))
        if where != "/me":
            await row("GET member", ada.read(one.members.by_conversation_member_id(listed.value[0].id).get()))
        hosted = fields(models.ChatMessageHostedContent, content_type="image/png", content_bytes=DOT)
        hosted.additional_data = {"@microsoft.graph.temporaryId": "1"}
        message = await row("POST message", ada.read(one.messages.post(said('<img src="../hostedContents/1/$value">', hosted_contents=[hosted]))))
        await row("GET messages", ada.read(one.messages.get()))
        its = one.messages.by_chat_message_id(message.id)
        await row("GET message", ada.read(its.get()))
        contents = await row("GET hostedContents", ada.read(its.hosted_contents.get()))
        content = its.hosted_contents.by_chat_message_hosted_content_id(contents.value[0].id)
        await row("GET hostedContent", ada.read(content.get()))
        table.check("it is read back", await row("GET $value", content.content.get()) == DOT)
        await row("POST setReaction", its.set_reaction.post(body(its.set_reaction, reaction_type="👍")))
        await row("POST unsetReaction", its.unset_reaction.post(body(its.unset_reaction, reaction_type="👍")))
    chat = graph.chats.by_chat_id(made.id)
    member_of = (await chat.members.get()).value[0]
    await table.row("GET /chats/{id}/members/{id}", ada.read(chat.members.by_conversation_member_id(member_of.id).get()))
    await table.row("GET /users/{id}/joinedTeams", ada.read(graph.users.by_user_id(people[0]["id"]).joined_teams.get()))

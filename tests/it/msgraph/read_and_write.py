"""Reads and writes each resource of the sandbox with Microsoft's Graph SDK, section by section."""

import asyncio
import importlib
import json
import os
import pkgutil
import sys
import uuid

import msgraph.generated.models

import directory
import files
import mail
import names
import protection
import teams
import tenant
import watch
from sdk import READY, TENANT, Graph, Table, client_credentials, fields, models

CLIENT = READY["apps"]["client"]["client_id"]
PROVISIONER = READY["apps"]["provisioner"]
PEOPLE = READY["users"]

# What the app of these tests may do besides provisioning, and what people let the client do.
ROLES = """Application.ReadWrite.All User.ReadWrite.All Group.ReadWrite.All AuditLog.Read.All Mail.ReadWrite Mail.Send
    Chat.Read.All RoleManagement.ReadWrite.Directory Policy.Read.All Policy.Read.PermissionGrant Policy.ReadWrite.Authorization
    Policy.ReadWrite.PermissionGrant Policy.ReadWrite.ApplicationConfiguration Policy.ReadWrite.ConditionalAccess
    Policy.ReadWrite.ConsentRequest Directory.Read.All ConsentRequest.Read.All AppRoleAssignment.ReadWrite.All User.RevokeSessions.All
    MailboxSettings.ReadWrite LicenseAssignment.ReadWrite.All DelegatedPermissionGrant.ReadWrite.All
    UserAuthenticationMethod.ReadWrite.All Policy.ReadWrite.SecurityDefaults Presence.ReadWrite.All ChannelMessage.Read.All Team.ReadBasic.All
    User.Invite.All Domain.ReadWrite.All Chat.ManageDeletion.All TeamsActivity.Send""".split()
SCOPES = """User.ReadWrite User.ReadBasic.All Directory.Read.All Chat.Create Chat.ReadWrite ChatMember.ReadWrite ChatMessage.Send
    Files.ReadWrite.All Mail.ReadWrite Mail.Send MailboxSettings.ReadWrite Presence.ReadWrite Presence.Read.All Team.Create
    Team.ReadBasic.All TeamMember.ReadWrite.All Channel.Create Channel.ReadBasic.All Channel.Delete.All ChannelSettings.ReadWrite.All
    ChannelMessage.Send ChannelMessage.Read.All ChannelMessage.ReadWrite
    UserAuthenticationMethod.Read Agreement.ReadWrite.All Agreement.Read.All AgreementAcceptance.Read.All
    ChannelMember.Read.All Application.ReadWrite.All User.RevokeSessions.All Group.ReadWrite.All""".split()

table = Table()


async def equip(app):
    """The app gives itself what these tests need, and the client in everybody's name."""
    graph = app.client
    publisher = await table.row(
        "GET /servicePrincipals(appId='Graph')", app.read(graph.service_principals_with_app_id(directory.GRAPH_APP).get())
    )
    own = await graph.service_principals_with_app_id(PROVISIONER["client_id"]).get()
    ids = {role.value: role.id for role in publisher.app_roles}
    given = graph.service_principals.by_service_principal_id(own.id).app_role_assignments
    held = {one.app_role_id for one in (await given.get()).value}
    for name in ROLES:
        assignment = fields(
            models.AppRoleAssignment, principal_id=uuid.UUID(own.id), resource_id=uuid.UUID(publisher.id), app_role_id=ids.get(name)
        )
        if ids.get(name) not in held:
            await table.row(f"POST …/appRoleAssignments {name}", app.read(given.post(assignment)))
    client = await graph.service_principals_with_app_id(CLIENT).get()
    grants = await graph.oauth2_permission_grants.get()
    grant = next(grant for grant in grants.value if grant.client_id == client.id)
    scope = " ".join(dict.fromkeys(grant.scope.split() + SCOPES))
    await table.row(
        "PATCH /oauth2PermissionGrants/{id}",
        graph.oauth2_permission_grants.by_o_auth2_permission_grant_id(grant.id).patch(fields(models.OAuth2PermissionGrant, scope=scope)),
    )


def signed_in(place):
    """The test signs people in, as a browser does, and says their tokens."""
    print(json.dumps({"sign_in": place}), flush=True)
    return Graph(json.loads(sys.stdin.readline())["token"])


def as_app():
    return Graph(client_credentials(PROVISIONER["client_id"], PROVISIONER["client_secret"]))


async def main():
    table.section = "equip"
    # The first answer makes the SDK load every model, which takes a slow machine a while: tell that it goes on.
    modules = [module.name for module in pkgutil.iter_modules(msgraph.generated.models.__path__)]
    for at, name in enumerate(modules):
        importlib.import_module(f"msgraph.generated.models.{name}")
        if at % 1000 == 0:
            table.tell(f"load the SDK's models from {name}", None)
    await equip(as_app())
    app, ada, grace = as_app(), signed_in(0), signed_in(1)
    sections = {
        "applications": lambda: directory.applications(table, app, PEOPLE),
        "users": lambda: directory.users(table, app, PEOPLE),
        "agents": lambda: directory.agents(table, app, PEOPLE),
        "groups": lambda: directory.groups(table, app, PEOPLE),
        "roles": lambda: directory.roles(table, app, PEOPLE),
        "policies": lambda: directory.policies(table, app, PEOPLE),
        "methods": lambda: protection.methods(table, app, PEOPLE),
        "own methods": lambda: protection.my_methods(table, ada),
        "strengths": lambda: protection.strengths(table, app),
        "places": lambda: protection.places(table, app),
        "terms of use": lambda: protection.terms(table, ada),
        "security defaults": lambda: protection.defaults(table, app),
        "me": lambda: directory.me(table, ada, app, PEOPLE),
        "mail": lambda: mail.send(table, ada, grace, PEOPLE),
        "drafts": lambda: mail.drafts(table, ada, PEOPLE),
        "answers": lambda: mail.answers(table, ada, grace, PEOPLE),
        "folders": lambda: mail.folders(table, ada),
        "mailbox settings": lambda: mail.settings(table, ada),
        "mail of an app": lambda: mail.app_only(table, app, PEOPLE),
        "chats": lambda: teams.chats(table, ada, grace, PEOPLE, TENANT),
        "export": lambda: teams.export(table, app, PEOPLE),
        "channels": lambda: teams.channels(table, ada, grace, app, PEOPLE),
        "presence": lambda: teams.presence(table, ada, app, PEOPLE, CLIENT),
        "files": lambda: files.files(table, ada, grace, PEOPLE),
        "subscriptions": lambda: watch.subscriptions(table, ada, PEOPLE),
        "batch": lambda: watch.batch(table, app, ada, PEOPLE),
        "mailboxes by each name": lambda: names.mailboxes(table, ada, app, PEOPLE),
        "drives by each name": lambda: names.drives(table, ada, app, PEOPLE),
        "agents by their types": lambda: names.agents(table, app, PEOPLE),
        "chats by each name": lambda: names.chats(table, ada, PEOPLE, TENANT),
        "and the rest": lambda: names.directory(table, ada, app, PEOPLE),
        "guests": lambda: tenant.guests(table, app),
        "domains": lambda: tenant.domains(table, app),
        "changes of the directory": lambda: tenant.changes(table, app, PEOPLE),
        "inheritance": lambda: tenant.inheritance(table, app, PEOPLE),
        "deleted chats": lambda: tenant.deleted_chats(table, app, ada, PEOPLE),
        "active roles": lambda: tenant.roles(table, app, PEOPLE),
        "consent requests": lambda: tenant.consent_requests(table, app, PEOPLE),
        "publisher": lambda: tenant.publisher(table, ada),
        "a principal's credentials": lambda: tenant.credentials(table, app),
        "letters of a group": lambda: tenant.letters(table, app, ada, PEOPLE),
        "sponsors": lambda: tenant.sponsors(table, app, PEOPLE),
        "logs": lambda: watch.logs(table, app, ada, PEOPLE),
        "sessions": lambda: tenant.sessions(table, ada),
    }
    only = os.environ.get("ONLY", "").split(",")
    for name, section in sections.items():
        if only != [""] and name not in only:
            continue
        table.section = name
        try:
            await section()
        except Exception as error:  # pylint: disable=broad-except
            at = error.__traceback__
            while at.tb_next and at.tb_next.tb_frame.f_code.co_filename.startswith(sys.path[0]):
                at = at.tb_next
            table.tell(f"(the rest of the section, from line {at.tb_lineno})", f"{type(error).__name__}: {error}")
    print(json.dumps({"end": True}), flush=True)


asyncio.run(main())

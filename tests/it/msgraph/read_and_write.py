"""Reads and writes each resource of the sandbox with Microsoft's Graph SDK, section by section."""

import asyncio
import importlib
import io
import json
import os
import pkgutil
import sys
import uuid

import msgraph.generated.models
from kiota_abstractions.base_request_configuration import RequestConfiguration
from kiota_abstractions.method import Method
from kiota_abstractions.request_information import RequestInformation
from msgraph.generated.applications.item.add_password.add_password_post_request_body import AddPasswordPostRequestBody
from msgraph.generated.applications.item.remove_password.remove_password_post_request_body import (
    RemovePasswordPostRequestBody,
)
from msgraph.generated.drives.item.items.item.copy.copy_post_request_body import CopyPostRequestBody
from msgraph.generated.drives.item.items.item.create_link.create_link_post_request_body import (
    CreateLinkPostRequestBody,
)
from msgraph.generated.drives.item.items.item.create_upload_session.create_upload_session_post_request_body import (
    CreateUploadSessionPostRequestBody,
)
from msgraph.generated.drives.item.items.item.invite.invite_post_request_body import InvitePostRequestBody
from msgraph.generated.models.aad_user_conversation_member import AadUserConversationMember
from msgraph.generated.models.agent_identity import AgentIdentity
from msgraph.generated.models.agent_identity_blueprint import AgentIdentityBlueprint
from msgraph.generated.models.agent_identity_blueprint_principal import AgentIdentityBlueprintPrincipal
from msgraph.generated.models.agent_user import AgentUser
from msgraph.generated.models.app_role_assignment import AppRoleAssignment
from msgraph.generated.models.application import Application
from msgraph.generated.models.assigned_license import AssignedLicense
from msgraph.generated.models.body_type import BodyType
from msgraph.generated.models.chat import Chat
from msgraph.generated.models.chat_message import ChatMessage
from msgraph.generated.models.chat_type import ChatType
from msgraph.generated.models.drive_item import DriveItem
from msgraph.generated.models.drive_item_uploadable_properties import DriveItemUploadableProperties
from msgraph.generated.models.drive_recipient import DriveRecipient
from msgraph.generated.models.federated_identity_credential import FederatedIdentityCredential
from msgraph.generated.models.folder import Folder
from msgraph.generated.models.group import Group
from msgraph.generated.models.item_body import ItemBody
from msgraph.generated.models.item_reference import ItemReference
from msgraph.generated.models.o_auth2_permission_grant import OAuth2PermissionGrant
from msgraph.generated.models.o_data_errors.o_data_error import ODataError
from msgraph.generated.models.password_credential import PasswordCredential
from msgraph.generated.models.password_profile import PasswordProfile
from msgraph.generated.models.reference_create import ReferenceCreate
from msgraph.generated.models.service_principal import ServicePrincipal
from msgraph.generated.models.user import User
from msgraph.generated.users.item.assign_license.assign_license_post_request_body import AssignLicensePostRequestBody
from msgraph.generated.users.item.chats.chats_request_builder import ChatsRequestBuilder
from msgraph.generated.users.users_request_builder import UsersRequestBuilder
from msgraph_core.requests.batch_request_builder import BatchRequestBuilder
from msgraph_core.requests.batch_request_content import BatchRequestContent
from msgraph_core.requests.batch_request_item import BatchRequestItem
from msgraph_core.tasks.large_file_upload import LargeFileUploadTask
from msgraph_core.tasks.page_iterator import PageIterator

from sdk import READY, Graph, Table, client_credentials

GRAPH_APP = "00000003-0000-0000-c000-000000000000"
CLIENT = READY["apps"]["client"]["client_id"]
PROVISIONER = READY["apps"]["provisioner"]
ADA, *OTHERS = READY["users"]
DOMAIN = READY["domain"]
UNIT = 320 * 1024

# What the app of these tests may do besides provisioning, and what people let the client do.
ROLES = ["Application.ReadWrite.All", "User.ReadWrite.All", "Group.ReadWrite.All", "AuditLog.Read.All"]
SCOPES = "User.Read User.ReadBasic.All Chat.Create Chat.ReadWrite ChatMessage.Send Files.ReadWrite.All Mail.ReadWrite Mail.Send Presence.ReadWrite"

table = Table()


def fields(model, **values):
    """A model with some fields set; an `odata_type` of its own stays."""
    made = model()
    for name, value in values.items():
        setattr(made, name, value)
    return made


async def applications(app):
    graph = app.client
    made = await table.row("POST /applications", app.read(graph.applications.post(fields(Application, display_name="SDK"))))
    one = graph.applications.by_application_id(made.id)
    await table.row("GET /applications/{id}", app.read(one.get()))
    await table.row("PATCH /applications/{id}", one.patch(fields(Application, display_name="SDK 2", tags=["a"])))
    secret = await table.row(
        "POST …/addPassword",
        app.read(one.add_password.post(AddPasswordPostRequestBody(password_credential=fields(PasswordCredential, display_name="s")))),
    )
    await table.row("POST …/removePassword", one.remove_password.post(RemovePasswordPostRequestBody(key_id=secret.key_id)))
    credential = fields(
        FederatedIdentityCredential, name="ci-main", issuer="https://token.actions.example", subject="repo:x",
        audiences=["api://AzureADTokenExchange"],
    )
    await table.row("POST …/federatedIdentityCredentials", app.read(one.federated_identity_credentials.post(credential)))
    await table.row("GET …/federatedIdentityCredentials", app.read(one.federated_identity_credentials.get()))
    await table.row("GET /applications", app.read(graph.applications.get()))

    principal = await table.row(
        "POST /servicePrincipals", app.read(graph.service_principals.post(fields(ServicePrincipal, app_id=made.app_id)))
    )
    of = graph.service_principals.by_service_principal_id(principal.id)
    await table.row("GET /servicePrincipals/{id}", app.read(of.get()))
    await table.row("GET /servicePrincipals", app.read(graph.service_principals.get()))
    await table.row("GET /servicePrincipals(appId='…')", app.read(graph.service_principals_with_app_id(made.app_id).get()))
    await table.row("GET …/appRoleAssignments", app.read(of.app_role_assignments.get()))
    await table.row("GET /oauth2PermissionGrants", app.read(graph.oauth2_permission_grants.get()))
    await table.row("DELETE /applications/{id}", one.delete())
    await table.row("GET /organization", app.read(graph.organization.get()))
    await table.row("GET /domains", app.read(graph.domains.get()))


async def users(app):
    graph = app.client
    user = fields(
        User, account_enabled=True, display_name="Sdk User", mail_nickname="sdk",
        user_principal_name=f"sdk@{DOMAIN}", usage_location="GB",
        password_profile=fields(PasswordProfile, password="A-long-one-9", force_change_password_next_sign_in=False),
    )
    made = await table.row("POST /users", app.read(graph.users.post(user)))
    one = graph.users.by_user_id(made.id)
    await table.row("GET /users/{id}", app.read(one.get()))
    await table.row("PATCH /users/{id}", one.patch(fields(User, job_title="Tester", other_mails=["x@example.org"])))
    every = UsersRequestBuilder.UsersRequestBuilderGetQueryParameters(
        select=["id", "displayName", "userPrincipalName", "assignedLicenses", "assignedPlans", "createdDateTime", "jobTitle",
                "otherMails", "proxyAddresses", "usageLocation", "accountEnabled", "licenseAssignmentStates", "passwordProfile",
                "identities", "signInSessionsValidFromDateTime", "userType"]
    )
    listed = await table.row(
        "GET /users?$select", app.read(graph.users.get(RequestConfiguration(query_parameters=every)))
    )
    table.check("the change shows", any(user.job_title == "Tester" for user in listed.value))
    skus = await table.row("GET /subscribedSkus", app.read(graph.subscribed_skus.get()))
    wanted = AssignLicensePostRequestBody(
        add_licenses=[fields(AssignedLicense, sku_id=skus.value[0].sku_id, disabled_plans=[])], remove_licenses=[]
    )
    await table.row("POST …/assignLicense", app.read(one.assign_license.post(wanted)))
    await table.row("GET …/licenseDetails", app.read(one.license_details.get()))

    # Paging with the SDK's own iterator, at two a page.
    page = UsersRequestBuilder.UsersRequestBuilderGetQueryParameters(top=2)
    first = await table.row("GET /users?$top=2", app.read(graph.users.get(RequestConfiguration(query_parameters=page))))
    seen = []
    pages = PageIterator(first, app.adapter)
    await table.row("PageIterator", pages.iterate(lambda user: seen.append(user.id) or True))
    table.check("every user once", sorted(seen) == sorted(user.id for user in listed.value), f"{seen}")
    await table.row("DELETE /users/{id}", one.delete())
    try:
        await one.get()
        table.check("a deleted user is an ODataError", False)
    except ODataError as error:
        table.check("a deleted user is an ODataError", error.error.code == "Request_ResourceNotFound", error.error.code)


async def agents(app):
    graph = app.client
    sponsor = f"https://graph.microsoft.com/v1.0/users/{ADA['id']}"
    blueprint = fields(AgentIdentityBlueprint, display_name="Blueprint")
    blueprint.additional_data = {"sponsors@odata.bind": [sponsor], "owners@odata.bind": [sponsor]}
    made = await table.row("POST /applications (agentIdentityBlueprint)", app.read(graph.applications.post(blueprint)))
    table.check("it is an AgentIdentityBlueprint", isinstance(made, AgentIdentityBlueprint), type(made).__name__)
    principal = fields(AgentIdentityBlueprintPrincipal, app_id=made.app_id)
    principal = await table.row(
        "POST /servicePrincipals (agentIdentityBlueprintPrincipal)", app.read(graph.service_principals.post(principal))
    )
    table.check("it is an AgentIdentityBlueprintPrincipal", isinstance(principal, AgentIdentityBlueprintPrincipal))
    body = AddPasswordPostRequestBody(password_credential=fields(PasswordCredential, display_name="s"))
    secret = await table.row(
        "POST …/addPassword", app.read(graph.applications.by_application_id(made.id).add_password.post(body))
    )
    # Agents are made with the blueprint's own token.
    publisher = await graph.service_principals_with_app_id(GRAPH_APP).get()
    role = next(role for role in publisher.app_roles if role.value == "AgentIdUser.ReadWrite.IdentityParentedBy")
    assignment = fields(AppRoleAssignment, principal_id=uuid.UUID(principal.id), resource_id=uuid.UUID(publisher.id), app_role_id=role.id)
    await table.row(
        "POST …/appRoleAssignments",
        app.read(graph.service_principals.by_service_principal_id(principal.id).app_role_assignments.post(assignment)),
    )
    own = Graph(client_credentials(made.app_id, secret.secret_text))
    identity = fields(AgentIdentity, display_name="Agent", agent_identity_blueprint_id=made.app_id)
    identity.additional_data = {"sponsors@odata.bind": [sponsor]}
    identity = await table.row("POST /servicePrincipals (agentIdentity)", own.read(own.client.service_principals.post(identity)))
    table.check("it is an AgentIdentity", isinstance(identity, AgentIdentity), type(identity).__name__)
    read = await table.row(
        "GET /servicePrincipals/{id}", app.read(graph.service_principals.by_service_principal_id(identity.id).get())
    )
    table.check("it is read as an AgentIdentity", isinstance(read, AgentIdentity))
    user = fields(
        AgentUser, account_enabled=True, display_name="Agent", mail_nickname="sdkagent",
        user_principal_name=f"sdkagent@{DOMAIN}", identity_parent_id=identity.id,
    )
    user = await table.row("POST /users (agentUser)", own.read(own.client.users.post(user)))
    table.check("it is an AgentUser", isinstance(user, AgentUser), type(user).__name__)
    await table.row("DELETE /applications/{id}", graph.applications.by_application_id(made.id).delete())
    await table.row("GET /directory/deletedItems", app.read(graph.directory.deleted_items.graph_application.get()))


async def groups(app):
    graph = app.client
    group = fields(Group, display_name="Sdk", mail_enabled=False, mail_nickname="sdkgroup", security_enabled=True)
    made = await table.row("POST /groups", app.read(graph.groups.post(group)))
    one = graph.groups.by_group_id(made.id)
    await table.row("GET /groups/{id}", app.read(one.get()))
    await table.row("PATCH /groups/{id}", one.patch(fields(Group, description="words")))
    member = ReferenceCreate(odata_id=f"https://graph.microsoft.com/v1.0/directoryObjects/{ADA['id']}")
    await table.row("POST …/members/$ref", one.members.ref.post(member))
    await table.row("GET …/members", app.read(one.members.get()))
    await table.row("GET /groups", app.read(graph.groups.get()))
    await table.row("DELETE /groups/{id}", one.delete())


async def me(ada):
    await table.row("GET /me", ada.read(ada.client.me.get()))
    await table.row("GET /me/licenseDetails", ada.read(ada.client.me.license_details.get()))


async def chats(ada):
    graph = ada.client

    def member(user):
        made = fields(AadUserConversationMember, roles=["owner"])
        made.additional_data = {"user@odata.bind": f"https://graph.microsoft.com/v1.0/users('{user}')"}
        return made

    chat = fields(Chat, chat_type=ChatType.OneOnOne, members=[member(ADA["id"]), member(OTHERS[0]["id"])])
    made = await table.row("POST /chats", ada.read(graph.chats.post(chat)))
    one = graph.chats.by_chat_id(made.id)
    await table.row("GET /chats/{id}", ada.read(one.get()))
    said = fields(ChatMessage, body=fields(ItemBody, content="<b>hello</b>", content_type=BodyType.Html))
    message = await table.row("POST …/messages", ada.read(one.messages.post(said)))
    await table.row("GET …/messages/{id}", ada.read(one.messages.by_chat_message_id(message.id).get()))
    await table.row("GET …/messages", ada.read(one.messages.get()))
    await table.row("GET …/members", ada.read(one.members.get()))
    expanded = ChatsRequestBuilder.ChatsRequestBuilderGetQueryParameters(expand=["members", "lastMessagePreview"])
    await table.row(
        "GET /me/chats?$expand", ada.read(graph.me.chats.get(RequestConfiguration(query_parameters=expanded)))
    )
    edited = fields(ChatMessage, body=fields(ItemBody, content="hello again"))
    await table.row("PATCH …/messages/{id}", one.messages.by_chat_message_id(message.id).patch(edited))


async def files(ada):
    graph = ada.client
    mine = await table.row("GET /me/drive", ada.read(graph.me.drive.get()))
    drive = graph.drives.by_drive_id(mine.id)
    await table.row("GET /drives/{id}", ada.read(drive.get()))
    await table.row("GET /drives/{id}/root", ada.read(drive.root.get()))
    folder = fields(DriveItem, name="SDK", folder=Folder())
    folder.additional_data = {"@microsoft.graph.conflictBehavior": "rename"}
    root = drive.items.by_drive_item_id("root")
    made = await table.row("POST …/children", ada.read(root.children.post(folder)))
    small = drive.items.by_drive_item_id("root:/SDK/small file.txt:")
    await table.row("PUT …/content", ada.read(small.content.put(b"small")))
    kept = await table.row("GET …/content", small.content.get())
    table.check("the content is what it was", kept == b"small", repr(kept))
    await table.row("GET …/children", ada.read(drive.items.by_drive_item_id(made.id).children.get()))

    content = bytes(range(256)) * (UNIT * 5 // 2 // 256)
    wanted = CreateUploadSessionPostRequestBody(item=DriveItemUploadableProperties())
    wanted.item.additional_data = {"@microsoft.graph.conflictBehavior": "replace"}
    large = drive.items.by_drive_item_id("root:/SDK/large.bin:")
    session = await table.row("POST …/createUploadSession", ada.read(large.create_upload_session.post(wanted)))
    task = LargeFileUploadTask(session, ada.adapter, io.BytesIO(content), DriveItem, max_chunk_size=UNIT)
    await table.row("LargeFileUploadTask", task.upload())
    kept = await table.row("GET …/content", large.content.get())
    table.check("the large content is what it was", kept == content, f"{len(kept or b'')} of {len(content)}")

    item = await table.row("GET …/items/{id}", ada.read(large.get()))
    one = drive.items.by_drive_item_id(item.id)
    moved = fields(DriveItem, name="renamed.bin", parent_reference=ItemReference(id=mine.id and (await drive.root.get()).id))
    await table.row("PATCH …/items/{id}", ada.read(one.patch(moved)))
    await table.row("GET …/versions", ada.read(one.versions.get()))
    link = CreateLinkPostRequestBody(type="view", scope="organization")
    await table.row("POST …/createLink", ada.read(one.create_link.post(link)))
    invited = InvitePostRequestBody(
        recipients=[DriveRecipient(email=OTHERS[0]["upn"])], roles=["read"], require_sign_in=True, send_invitation=False
    )
    await table.row("POST …/invite", ada.read(one.invite.post(invited)))
    await table.row("GET …/permissions", ada.read(one.permissions.get()))
    await table.row("POST …/copy", one.copy.post(CopyPostRequestBody(name="copied.bin")))
    await table.row("GET …/search", ada.read(root.search_with_q("small").get()))
    await table.row("GET …/delta", ada.read(root.delta.get()))
    await table.row("DELETE …/items/{id}", one.delete())


async def batch(app):
    graph = app.client
    listed = graph.users.to_get_request_information()
    missing = graph.users.by_user_id("00000000-0000-4000-8000-00000000dead").to_get_request_information()
    content = BatchRequestContent({
        "1": BatchRequestItem(request_information=listed, id="1"),
        "2": BatchRequestItem(request_information=missing, id="2"),
    })
    answer = await table.row("POST /$batch", BatchRequestBuilder(app.adapter).post(content))
    statuses = {name: one.status for name, one in answer.responses.items()}
    table.check("each has its own status", statuses == {"1": 200, "2": 404}, str(statuses))


async def equip(app):
    """The app gives itself what these tests need, and the client in everybody's name."""
    graph = app.client
    publisher = await table.row(
        "GET /servicePrincipals(appId='Graph')", app.read(graph.service_principals_with_app_id(GRAPH_APP).get())
    )
    own = await graph.service_principals_with_app_id(PROVISIONER["client_id"]).get()
    ids = {role.value: role.id for role in publisher.app_roles}
    for name in ROLES:
        assignment = fields(
            AppRoleAssignment, principal_id=uuid.UUID(own.id), resource_id=uuid.UUID(publisher.id), app_role_id=ids[name]
        )
        given = graph.service_principals.by_service_principal_id(own.id).app_role_assignments
        await table.row(f"POST …/appRoleAssignments {name}", app.read(given.post(assignment)))
    client = await graph.service_principals_with_app_id(CLIENT).get()
    grants = await graph.oauth2_permission_grants.get()
    grant = next(grant for grant in grants.value if grant.client_id == client.id)
    scope = " ".join(dict.fromkeys(f"{grant.scope} {SCOPES}".split()))
    await table.row(
        "PATCH /oauth2PermissionGrants/{id}",
        graph.oauth2_permission_grants.by_o_auth2_permission_grant_id(grant.id).patch(fields(OAuth2PermissionGrant, scope=scope)),
    )


async def main():
    table.section = "equip"
    # The first answer makes the SDK load every model, which takes a slow machine a while: tell that it goes on.
    models = [module.name for module in pkgutil.iter_modules(msgraph.generated.models.__path__)]
    for at, name in enumerate(models):
        importlib.import_module(f"msgraph.generated.models.{name}")
        if at % 1000 == 0:
            table.tell(f"load the SDK's models from {name}", None)
    await equip(Graph(client_credentials(PROVISIONER["client_id"], PROVISIONER["client_secret"])))
    app = Graph(client_credentials(PROVISIONER["client_id"], PROVISIONER["client_secret"]))
    # The test signs Ada in, as a browser does, and says her token.
    print(json.dumps({"sign_in": ADA["upn"]}), flush=True)
    ada = Graph(json.loads(sys.stdin.readline())["token"])
    asked = os.environ.get("SECTIONS", "").split()
    for section, graph in [
        (applications, app), (users, app), (agents, app), (me, ada), (chats, ada), (files, ada),
    ]:
        if asked and section.__name__ not in asked:
            continue
        table.section = section.__name__
        try:
            await section(graph)
        except Exception as error:  # pylint: disable=broad-except
            table.tell("(the rest of the section)", f"{type(error).__name__}: {error}")
    print(json.dumps({"end": True}), flush=True)


asyncio.run(main())

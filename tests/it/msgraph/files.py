"""Files with Microsoft's Graph SDK: folders, contents small and large, sharing, copies, search and delta."""

import base64
import io

from msgraph_core.tasks.large_file_upload import LargeFileUploadTask

from sdk import asking, body, fields, models

UNIT = 320 * 1024


async def files(table, ada, grace, people):
    """A drive, written and read."""
    graph = ada.client
    mine = await table.row("GET /me/drive", ada.read(graph.me.drive.get()))
    drive = graph.drives.by_drive_id(mine.id)
    await table.row("GET /drives/{id}", ada.read(drive.get()))
    top = await table.row("GET /drives/{id}/root", ada.read(drive.root.get()))
    folder = fields(models.DriveItem, name="SDK", folder=models.Folder())
    folder.additional_data = {"@microsoft.graph.conflictBehavior": "rename"}
    root = drive.items.by_drive_item_id("root")
    known = {}
    link = await follow(table, ada, root.delta, None, known)
    made = await table.row("POST …/children", ada.read(root.children.post(folder)))
    small = drive.items.by_drive_item_id("root:/SDK/small file.txt:")
    first = await table.row("PUT …/content", ada.read(small.content.put(b"small")))
    kept = await table.row("GET …/content", small.content.get())
    table.check("the content is what it was", kept == b"small", repr(kept))
    await table.row("PUT …/content again", ada.read(small.content.put(b"smaller")))
    versions = drive.items.by_drive_item_id(first.id).versions
    listed = await table.row("GET …/versions", ada.read(versions.get()))
    table.check("both versions are kept", len(listed.value) == 2, str(len(listed.value)))
    old = versions.by_drive_item_version_id(listed.value[1].id)
    await table.row("GET …/versions/{id}", ada.read(old.get()))
    table.check("the old one is as it was", await table.row("GET …/versions/{id}/content", old.content.get()) == b"small")
    await table.row("POST …/restoreVersion", old.restore_version.post())
    table.check("it is the newest again", await small.content.get() == b"small")
    children = drive.items.by_drive_item_id(made.id).children
    await table.row("GET …/children", ada.read(children.get()))
    named = asking(children, select=["id", "name", "size"], orderby=["name desc"], top=1)
    await table.row("GET …/children?$select&$orderby&$top", ada.read(children.get(named)))

    content = bytes(range(256)) * (UNIT * 5 // 2 // 256)
    large = drive.items.by_drive_item_id("root:/SDK/large.bin:")
    item = models.DriveItemUploadableProperties()
    item.additional_data = {"@microsoft.graph.conflictBehavior": "replace"}
    session = await table.row(
        "POST …/createUploadSession", ada.read(large.create_upload_session.post(body(large.create_upload_session, item=item)))
    )
    task = LargeFileUploadTask(session, ada.adapter, io.BytesIO(content), models.DriveItem, max_chunk_size=UNIT)
    await table.row("LargeFileUploadTask", task.upload())
    kept = await table.row("GET …/content", large.content.get())
    table.check("the large content is what it was", kept == content, f"{len(kept or b'')} of {len(content)}")

    item = await table.row("GET …/items/{id}", ada.read(large.get()))
    one = drive.items.by_drive_item_id(item.id)
    moved = fields(models.DriveItem, name="renamed.bin", parent_reference=fields(models.ItemReference, id=top.id))
    await table.row("PATCH …/items/{id}", ada.read(one.patch(moved)))
    link_of = await table.row("POST …/createLink", ada.read(one.create_link.post(body(one.create_link, type="view", scope="organization"))))
    invited = body(
        one.invite, recipients=[fields(models.DriveRecipient, email=people[1]["upn"])], roles=["read"], require_sign_in=True,
        send_invitation=False,
    )
    await table.row("POST …/invite", ada.read(one.invite.post(invited)))
    permissions = await table.row("GET …/permissions", ada.read(one.permissions.get()))
    shown = await table.row("GET …/permissions/{id}", ada.read(one.permissions.by_permission_id(permissions.value[-1].id).get()))
    wider = fields(models.Permission, roles=["write"])
    await table.row("PATCH …/permissions/{id}", ada.read(one.permissions.by_permission_id(permissions.value[-1].id).patch(wider)))
    theirs = grace.client.drives.by_drive_id(mine.id).items.by_drive_item_id(item.id)
    read = await table.row("GET another's item", grace.read(theirs.get()))
    table.check("who is invited reads it", read.name == "renamed.bin")
    shared = grace.client.shares.by_shared_drive_item_id(share_id(link_of.link.web_url))
    await table.row("GET /shares/{id}", grace.read(shared.get()))
    await table.row("GET /shares/{id}/driveItem", grace.read(shared.drive_item.get()))
    await table.row("GET /shares/{id}/root", grace.read(shared.root.get()))
    await table.row("GET /shares/{id}/permission", grace.read(shared.permission.get()))
    held = await table.row("GET /shares/{id}/driveItem/content", shared.drive_item.content.get())
    table.check("it is all of it", held == content)
    await table.row("DELETE …/permissions/{id}", one.permissions.by_permission_id(shown.id).delete())
    await table.row("POST …/copy", one.copy.post(body(one.copy, name="copied.bin")))
    found = await table.row("GET …/search", ada.read(root.search_with_q("small").get()))
    table.check("it is found", [one.name for one in found.value] == ["small file.txt"], str([one.name for one in found.value]))
    await table.row("GET /drives/{id}/search", ada.read(drive.search_with_q("small").get()))
    link = await follow(table, ada, root.delta, link, known)
    table.check("delta tells all of it", {"SDK", "small file.txt", "renamed.bin", "copied.bin"} <= set(known.values()), str(known))
    await table.row("DELETE …/items/{id}", one.delete())
    await follow(table, ada, root.delta, link, known)
    table.check("delta tells that it is gone", "renamed.bin" not in known.values())
    await table.refused("it is not found any more", one.get(), 404, "itemNotFound")


async def follow(table, ada, delta, link, known):
    page = await table.row("GET …/delta", ada.read(delta.with_url(link).get() if link else delta.get()))
    while True:
        for item in page.value:
            if item.deleted:
                known.pop(item.id, None)
            else:
                known[item.id] = item.name
        if page.odata_delta_link:
            return page.odata_delta_link
        page = await table.row("GET …/delta, next page", ada.read(delta.with_url(page.odata_next_link).get()))


def share_id(url):
    return "u!" + base64.urlsafe_b64encode(url.encode()).decode().rstrip("=")

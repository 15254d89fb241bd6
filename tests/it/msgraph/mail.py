"""Mail with Microsoft's Graph SDK: letters, drafts, answers, folders, attachments, search and delta."""

import base64

import httpx

from sdk import TRUST, asking, body, fields, models

MIME = b"""From: ada@contoso.example\r
To: %s\r
Subject: As it stands\r
MIME-Version: 1.0\r
Content-Type: text/plain; charset=utf-8\r
Content-Transfer-Encoding: 8bit\r
X-Kept: yes\r
\r
Gr\xc3\xbc\xc3\x9fe\r
"""


def to(user):
    return fields(models.Recipient, email_address=fields(models.EmailAddress, address=user["upn"], name=user["display_name"]))


def html(text):
    return fields(models.ItemBody, content=text, content_type=models.BodyType.Html)


async def send(table, ada, grace, people):
    """Sends as JSON and as MIME; what arrives is what was sent."""
    me, (_, other, third) = ada.client.me, people
    letter = fields(
        models.Message, subject="Quarterly figures", body=html("<p>Good <b>figures</b></p>"), importance=models.Importance.High,
        to_recipients=[to(other)], cc_recipients=[to(third)], categories=["Blue"],
        internet_message_headers=[fields(models.InternetMessageHeader, name="x-run", value="7")],
        attachments=[fields(models.FileAttachment, name="a.txt", content_type="text/plain", content_bytes=b"words")],
    )
    sent = body(me.send_mail, message=letter, save_to_sent_items=True)
    await table.row("POST /me/sendMail", me.send_mail.post(sent))
    info = me.send_mail.to_post_request_information(sent)
    info.set_stream_content(base64.b64encode(MIME % other["upn"].encode()), "text/plain")
    info.headers.remove("Content-Type")
    info.headers.add("Content-Type", "text/plain")
    await table.row("POST /me/sendMail (MIME)", ada.adapter.send_no_response_content_async(info, {}))
    kept = me.mail_folders.by_mail_folder_id("sentitems").messages
    listed = await table.row("GET …/sentitems/messages", ada.read(kept.get()))
    table.check("both are among the sent ones", sorted(one.subject for one in listed.value) == ["As it stands", "Quarterly figures"])
    inbox = grace.client.me.mail_folders.by_mail_folder_id("inbox").messages
    every = ["id", "subject", "internetMessageHeaders", "body", "uniqueBody", "from", "sender", "toRecipients", "importance", "hasAttachments"]
    came = await table.row(
        "GET …/inbox/messages?$select&$filter",
        grace.read(inbox.get(asking(inbox, select=every, filter="subject eq 'As it stands'"))),
    )
    names = {header.name.lower(): header.value for header in came.value[0].internet_message_headers or []}
    table.check("its own header came with it", names.get("x-kept") == "yes", str(names))
    one = inbox.by_message_id(came.value[0].id)
    raw = await table.row("GET …/$value", one.content.get())
    table.check("the bytes are those that were sent", b"X-Kept: yes" in raw and "Grüße".encode() in raw, repr(raw[:400]))
    text = await table.row(
        "GET …/messages/{id} as text", grace.read(one.get(asking(one, {"Prefer": 'outlook.body-content-type="text"'})))
    )
    table.check("the body is text", text.body.content_type == models.BodyType.Text and "Grüße" in text.body.content)
    ids = asking(inbox, {"Prefer": 'IdType="ImmutableId"'}, filter="importance eq 'high'", expand=["attachments"])
    high = await table.row("GET …/messages?$expand=attachments", grace.read(inbox.get(ids)))
    table.check("the attachment came with it", high.value[0].attachments[0].content_bytes == b"words")
    await table.refused(
        "a letter to nobody is refused", me.send_mail.post(body(me.send_mail, message=fields(models.Message, subject="x"))), 400, "ErrorInvalidRecipients"
    )


async def drafts(table, ada, people):
    """A draft with attachments of each size, changed and sent."""
    me = ada.client.me
    made = await table.row(
        "POST /me/messages", ada.read(me.messages.post(fields(models.Message, subject="Draft", body=html("one"), to_recipients=[to(people[1])])))
    )
    one = me.messages.by_message_id(made.id)
    await table.row("GET /me/messages/{id}", ada.read(one.get()))
    flag = fields(models.FollowupFlag, flag_status=models.FollowupFlagStatus.Flagged)
    changed = await table.row(
        "PATCH /me/messages/{id}", ada.read(one.patch(fields(models.Message, subject="Draft 2", flag=flag, is_read=True, categories=["Red"])))
    )
    table.check("it is changed", changed.subject == "Draft 2" and changed.flag.flag_status == models.FollowupFlagStatus.Flagged)
    small = fields(models.FileAttachment, name="s.bin", content_type="application/octet-stream", content_bytes=b"\x00\x01")
    added = await table.row("POST …/attachments", ada.read(one.attachments.post(small)))
    inner = fields(models.ItemAttachment, name="inner", item=fields(models.Message, subject="Inner", body=html("in")))
    await table.row("POST …/attachments (item)", ada.read(one.attachments.post(inner)))
    content = bytes(range(256)) * 16_000
    item = fields(models.AttachmentItem, attachment_type=models.AttachmentType.File, name="large.bin", size=len(content))
    session = await table.row(
        "POST …/attachments/createUploadSession",
        ada.read(one.attachments.create_upload_session.post(body(one.attachments.create_upload_session, attachment_item=item))),
    )
    # The SDK's own task sends the last piece twice, which Exchange takes for another file: so by the documented steps.
    half, statuses = len(content) // 2, []
    async with httpx.AsyncClient(verify=TRUST) as http:
        for first, piece in ((0, content[:half]), (half, content[half:])):
            told = {"content-range": f"bytes {first}-{first + len(piece) - 1}/{len(content)}"}
            statuses.append((await http.put(session.upload_url, content=piece, headers=told)).status_code)
    table.check("the large one comes in two pieces", statuses == [200, 201], str(statuses))
    listed = await table.row("GET …/attachments", ada.read(one.attachments.get()))
    sizes = {attachment.name: attachment.size for attachment in listed.value}
    table.check("all are there", set(sizes) == {"s.bin", "inner", "large.bin"} and sizes["large.bin"] >= len(content), str(sizes))
    large = next(attachment for attachment in listed.value if attachment.name == "large.bin")
    whole = await table.row("GET …/attachments/{id}", ada.read(one.attachments.by_attachment_id(large.id).get()))
    table.check("the large one is what it was", whole.content_bytes == content)
    await table.row("DELETE …/attachments/{id}", one.attachments.by_attachment_id(added.id).delete())
    await table.row("POST …/send", one.send.post())
    await table.refused("a sent draft is gone", one.get(), 404, "ErrorItemNotFound")


async def answers(table, ada, grace, people):
    """Answers stay in the thread."""
    me = grace.client.me
    asked = asking(me.messages, filter="subject eq 'Quarterly figures'")
    came = (await table.row("GET /me/messages?$filter", grace.read(me.messages.get(asked)))).value[0]
    one = me.messages.by_message_id(came.id)
    await table.row("POST …/reply", one.reply.post(body(one.reply, comment="Thank you")))
    await table.row("POST …/replyAll", one.reply_all.post(body(one.reply_all, comment="All")))
    await table.row("POST …/forward", one.forward.post(body(one.forward, comment="See", to_recipients=[to(people[0])])))
    reply = await table.row("POST …/createReply", grace.read(one.create_reply.post(body(one.create_reply, comment="Draft"))))
    table.check("it is in the thread", reply.conversation_id == came.conversation_id and reply.subject == "RE: Quarterly figures", reply.subject)
    await table.row("POST …/createReplyAll", grace.read(one.create_reply_all.post(body(one.create_reply_all))))
    forward = one.create_forward
    passed = await table.row("POST …/createForward", grace.read(forward.post(body(forward, to_recipients=[to(people[0])]))))
    table.check("what was attached goes along", passed.has_attachments is True)
    await table.row("DELETE /me/messages/{id}", me.messages.by_message_id(reply.id).delete())
    inbox = ada.client.me.mail_folders.by_mail_folder_id("inbox").messages
    every = asking(inbox, orderby=["receivedDateTime desc"], top=2, count=True)
    page = await table.row("GET …/inbox/messages?$orderby&$top&$count", ada.read(inbox.get(every)))
    table.check("three came back, two a page", page.odata_count == 3 and len(page.value) == 2 and page.odata_next_link, f"{page.odata_count}")
    rest = await table.row("GET @odata.nextLink", ada.read(inbox.with_url(page.odata_next_link).get()))
    table.check("the rest is on the next page", len(rest.value) == 1)
    found = await table.row("GET /me/messages?$search", ada.read(ada.client.me.messages.get(asking(ada.client.me.messages, search='"subject:figures"'))))
    table.check("a search finds them", len(found.value) >= 4, str(len(found.value)))
    both = asking(inbox, filter="isRead eq false", orderby=["receivedDateTime desc"])
    await table.refused("a filter that the order does not lead is refused", inbox.get(both), 400, "InefficientFilter")


async def folders(table, ada):
    """Folders and what is moved between them; a client that follows delta knows what they hold."""
    me = ada.client.me
    made = await table.row("POST /me/mailFolders", ada.read(me.mail_folders.post(fields(models.MailFolder, display_name="Project"))))
    one = me.mail_folders.by_mail_folder_id(made.id)
    child = await table.row("POST …/childFolders", ada.read(one.child_folders.post(fields(models.MailFolder, display_name="Sub"))))
    await table.row("GET …/childFolders", ada.read(one.child_folders.get()))
    await table.row("PATCH /me/mailFolders/{id}", ada.read(one.patch(fields(models.MailFolder, display_name="Project 2"))))
    await table.row("GET /me/mailFolders/{id}", ada.read(one.get()))
    listed = await table.row("GET /me/mailFolders", ada.read(me.mail_folders.get(asking(me.mail_folders, top=50))))
    table.check("those that everybody has are there", {"Inbox", "Drafts", "Sent Items"} <= {one.display_name for one in listed.value})

    known = {}
    link = await follow(table, ada, one.messages.delta, None, known)
    inbox = await me.mail_folders.by_mail_folder_id("inbox").messages.get()
    moved = []
    for message in inbox.value[:2]:
        move = me.messages.by_message_id(message.id).move
        moved.append(await table.row("POST …/move", ada.read(move.post(body(move, destination_id=made.id)))))
    copy = me.messages.by_message_id(moved[0].id).copy
    await table.row("POST …/copy", ada.read(copy.post(body(copy, destination_id=made.id))))
    link = await follow(table, ada, one.messages.delta, link, known)
    await is_the_folder(table, ada, one.messages, known)
    await table.row("PATCH …/messages/{id}", ada.read(me.messages.by_message_id(moved[0].id).patch(fields(models.Message, is_read=True))))
    move = me.messages.by_message_id(moved[1].id).move
    await table.row("POST …/move to a child", ada.read(move.post(body(move, destination_id=child.id))))
    link = await follow(table, ada, one.messages.delta, link, known)
    await is_the_folder(table, ada, one.messages, known)
    await table.row("POST …/permanentDelete", me.messages.by_message_id(moved[0].id).permanent_delete.post())
    await follow(table, ada, one.messages.delta, link, known)
    await is_the_folder(table, ada, one.messages, known)
    nowhere = one.messages.delta.with_url(link.replace("deltatoken=", "deltatoken=x"))
    await table.refused("a token that says nothing is refused", nowhere.get(), 410, "syncStateNotFound")

    page = await table.row("GET /me/mailFolders/delta", ada.read(me.mail_folders.delta.get()))
    table.check("the folders are in their delta", made.id in {folder.id for folder in page.value})
    move = me.mail_folders.by_mail_folder_id(child.id).move
    await table.row("POST …/mailFolders/{id}/move", ada.read(move.post(body(move, destination_id="inbox"))))
    await table.row("DELETE /me/mailFolders/{id}", one.delete())


async def follow(table, ada, delta, link, known):
    """Reads a delta to its end, as the documentation says, into what is known; the next link to ask."""
    page = await table.row("GET …/messages/delta", ada.read(delta.with_url(link).get() if link else delta.get()))
    while True:
        for message in page.value:
            if "@removed" in message.additional_data:
                known.pop(message.id, None)
            else:
                known[message.id] = message.is_read if message.is_read is not None else known.get(message.id)
        if page.odata_delta_link:
            return page.odata_delta_link
        page = await table.row("GET …/messages/delta, next page", ada.read(delta.with_url(page.odata_next_link).get()))


async def is_the_folder(table, ada, messages, known):
    listed = {message.id: message.is_read for message in (await ada.read(messages.get())).value}
    table.check("what delta told is the folder", known == listed, f"{known} and not {listed}")


async def settings(table, ada):
    """What else belongs to a mailbox."""
    me = ada.client.me
    await table.row("GET /me/mailboxSettings", ada.read(me.mailbox_settings.get()))
    replies = fields(
        models.AutomaticRepliesSetting, status=models.AutomaticRepliesStatus.AlwaysEnabled, internal_reply_message="Away",
        external_audience=models.ExternalAudienceScope.None_, external_reply_message="",
    )
    told = fields(models.MailboxSettings, automatic_replies_setting=replies, time_zone="W. Europe Standard Time")
    await table.row("PATCH /me/mailboxSettings", ada.read(me.mailbox_settings.patch(told)))
    kept = await table.row("GET /me/mailboxSettings", ada.read(me.mailbox_settings.get()))
    table.check("they are kept", kept.automatic_replies_setting.internal_reply_message == "Away" and kept.time_zone == "W. Europe Standard Time")
    category = fields(models.OutlookCategory, display_name="Agents", color=models.CategoryColor.Preset3)
    made = await table.row("POST /me/outlook/masterCategories", ada.read(me.outlook.master_categories.post(category)))
    await table.row("GET /me/outlook/masterCategories", ada.read(me.outlook.master_categories.get()))
    await table.row("DELETE …/masterCategories/{id}", me.outlook.master_categories.by_outlook_category_id(made.id).delete())


async def app_only(table, app, people):
    """An app in anybody's mailbox."""
    user = app.client.users.by_user_id(people[1]["id"])
    letter = fields(models.Message, subject="From an app", body=html("x"), to_recipients=[to(people[2])])
    await table.row("POST /users/{id}/sendMail", user.send_mail.post(body(user.send_mail, message=letter)))
    await table.row("GET /users/{id}/messages", app.read(user.messages.get()))
    await table.row("GET /users/{id}/mailFolders", app.read(user.mail_folders.get()))

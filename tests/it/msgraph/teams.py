"""Teams with Microsoft's Graph SDK: chats, channels, reactions, cards, and presence."""

import datetime
import json

from sdk import APP, GRAPH_LINKS, URL, asking, body, fields, models

CARD = {"type": "AdaptiveCard", "version": "1.4", "body": [{"type": "TextBlock", "text": "Approve?"}]}
DOT = bytes.fromhex("89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360000002000001e221bc330000000049454e44ae426082")


def member(user, roles=("owner",)):
    made = fields(models.AadUserConversationMember, roles=list(roles))
    made.additional_data = {"user@odata.bind": f"{GRAPH_LINKS}/users('{user['id']}')"}
    return made


def said(content, **more):
    return fields(models.ChatMessage, body=fields(models.ItemBody, content=content, content_type=models.BodyType.Html), **more)


def with_picture(words):
    """A message with a picture in it."""
    hosted = fields(models.ChatMessageHostedContent, content_type="image/png", content_bytes=DOT)
    hosted.additional_data = {"@microsoft.graph.temporaryId": "1"}
    return said(f'{words} <img src="../hostedContents/1/$value">', hosted_contents=[hosted])


def on_behalf_of(person, tenant):
    return fields(models.TeamworkUserIdentity, id=person["id"], additional_data={"tenantId": tenant})


async def chats(table, ada, grace, people, tenant):
    """Conversations of two and of three: what is said, changed, taken back and read."""
    graph = ada.client
    pair = fields(models.Chat, chat_type=models.ChatType.OneOnOne, members=[member(one) for one in people[:2]])
    made = await table.row("POST /chats", ada.read(graph.chats.post(pair)))
    again = await table.row("POST /chats again", ada.read(graph.chats.post(pair)))
    table.check("it is the same chat", again.id == made.id)
    one = graph.chats.by_chat_id(made.id)
    await table.row("GET /chats/{id}", ada.read(one.get()))
    message = await table.row("POST …/messages", ada.read(one.messages.post(said("<b>hello</b>"))))
    its = one.messages.by_chat_message_id(message.id)
    await table.row("GET …/messages/{id}", ada.read(its.get()))
    mention = fields(
        models.ChatMessageMention, id=0, mention_text=people[1]["display_name"],
        mentioned=fields(
            models.ChatMessageMentionedIdentitySet,
            user=fields(
                models.TeamworkUserIdentity, id=people[1]["id"], display_name=people[1]["display_name"],
                user_identity_type=models.TeamworkUserIdentityType.AadUser,
            ),
        ),
    )
    named = said(f'<at id="0">{people[1]["display_name"]}</at> look', mentions=[mention], importance=models.ChatMessageImportance.High)
    await table.row("POST …/messages (mention)", ada.read(one.messages.post(named)))
    card = fields(
        models.ChatMessageAttachment, id="1", content_type="application/vnd.microsoft.card.adaptive", content=json.dumps(CARD)
    )
    shown = await table.row("POST …/messages (card)", ada.read(one.messages.post(said('<attachment id="1"></attachment>', attachments=[card]))))
    table.check("the card is what it was", json.loads(shown.attachments[0].content) == CARD)
    pictured = await table.row("POST …/messages (image)", ada.read(one.messages.post(with_picture("look"))))
    contents = one.messages.by_chat_message_id(pictured.id).hosted_contents
    hosted = (await contents.get()).value[0]
    await table.row("GET …/hostedContents/{id}", ada.read(contents.by_chat_message_hosted_content_id(hosted.id).get()))
    contents = one.messages.by_chat_message_id(pictured.id).hosted_contents
    listed = await table.row("GET …/hostedContents", ada.read(contents.get()))
    kept = await table.row("GET …/hostedContents/{id}/$value", contents.by_chat_message_hosted_content_id(listed.value[0].id).content.get())
    table.check("the image is what it was", kept == DOT, repr(kept)[:60])

    reaction = its.set_reaction
    await table.row("POST …/setReaction", reaction.post(body(reaction, reaction_type="💘")))
    reacted = await table.row("GET …/messages/{id}", ada.read(its.get()))
    table.check("the reaction is told, with who", reacted.reactions[0].reaction_type == "💘" and reacted.reactions[0].user.user.id == people[0]["id"])
    await table.row("POST …/unsetReaction", its.unset_reaction.post(body(its.unset_reaction, reaction_type="💘")))
    await table.row("PATCH …/messages/{id}", its.patch(said("hello again")))
    edited = await table.row("GET …/messages/{id}", ada.read(its.get()))
    table.check("the edit is told", "hello again" in edited.body.content and edited.last_edited_date_time is not None, edited.body.content)
    mine = graph.users.by_user_id(people[0]["id"]).chats.by_chat_id(made.id).messages.by_chat_message_id(message.id)
    await table.row("POST …/softDelete", mine.soft_delete.post())
    gone = await table.row("GET …/messages/{id}", ada.read(its.get()))
    table.check("it is a tombstone", gone.deleted_date_time is not None)
    await table.row("POST …/undoSoftDelete", mine.undo_soft_delete.post())
    other = grace.client.chats.by_chat_id(made.id).messages.by_chat_message_id(message.id)
    await table.refused("what another said is not mine to edit", other.patch(said("no")), 403, "Forbidden")

    page = await table.row("GET …/messages?$top=2", ada.read(one.messages.get(asking(one.messages, top=2))))
    rest = await table.row("GET @odata.nextLink", ada.read(one.messages.with_url(page.odata_next_link).get()))
    table.check("each is on one page", not {message.id for message in page.value} & {message.id for message in rest.value})
    changed = asking(one.messages, orderby=["lastModifiedDateTime desc"], filter="lastModifiedDateTime gt 2020-01-01T00:00:00Z")
    await table.row("GET …/messages?$filter&$orderby", ada.read(one.messages.get(changed)))
    await table.row("GET …/members", ada.read(one.members.get()))
    told = await table.row("GET /me/chats?$expand", ada.read(graph.me.chats.get(asking(graph.me.chats, expand=["members", "lastMessagePreview"]))))
    table.check("the preview is the last that was said", told.value[0].last_message_preview.id == pictured.id)
    read = one.mark_chat_read_for_user
    await table.row("POST …/markChatReadForUser", read.post(body(read, user=on_behalf_of(people[0], tenant))))
    hide = one.hide_for_user
    await table.row("POST …/hideForUser", hide.post(body(hide, user=on_behalf_of(people[0], tenant))))
    seen = await table.row("GET /chats/{id}", ada.read(one.get()))
    table.check("it is hidden for her", seen.viewpoint.is_hidden is True)
    await table.row("POST …/unhideForUser", one.unhide_for_user.post(body(one.unhide_for_user, user=on_behalf_of(people[0], tenant))))

    three = fields(models.Chat, chat_type=models.ChatType.Group, topic="Three", members=[member(one) for one in people[:2]])
    made = await table.row("POST /chats (group)", ada.read(graph.chats.post(three)))
    group = graph.chats.by_chat_id(made.id)
    await table.row("POST …/members", group.members.post(member(people[2])))
    listed = await table.row("GET …/members", ada.read(group.members.get()))
    table.check("all three are in it", {one.user_id for one in listed.value} == {one["id"] for one in people[:3]})
    await table.row("PATCH /chats/{id}", ada.read(group.patch(fields(models.Chat, topic="Three of us"))))
    events = asking(group.messages, {"Prefer": "include-unknown-enum-members"})
    listed = await table.row("GET …/messages (events)", ada.read(group.messages.get(events)))
    table.check("what happened stands among what was said", any(one.message_type == models.ChatMessageType.SystemEventMessage for one in listed.value))
    first = await group.messages.post(said("pin this"))
    pinned = fields(models.PinnedChatMessageInfo)
    pinned.additional_data = {"message@odata.bind": f"{GRAPH_LINKS}/chats/{made.id}/messages/{first.id}"}
    await table.row("POST …/pinnedMessages", ada.read(group.pinned_messages.post(pinned)))
    pins = await table.row("GET …/pinnedMessages", ada.read(group.pinned_messages.get(asking(group.pinned_messages, expand=["message"]))))
    table.check("the pinned message is told", pins.value[0].message.id == first.id)
    quote = group.messages.reply_with_quote
    quoted = await table.row("POST …/replyWithQuote", ada.read(quote.post(body(quote, message_ids=[first.id], reply_message=said("so be it")))))
    table.check("it quotes", quoted.attachments[0].content_type == "messageReference")
    await table.row("DELETE …/pinnedMessages/{id}", group.pinned_messages.by_pinned_chat_message_info_id(pins.value[0].id).delete())
    out = next(one for one in (await group.members.get()).value if one.user_id == people[2]["id"])
    await table.row("DELETE …/members/{id}", group.members.by_conversation_member_id(out.id).delete())
    again = await table.row("POST …/members/add", ada.read(group.members.add.post(body(group.members.add, values=[member(people[2])]))))
    table.check("it went well", [one.error for one in again.value] == [None])
    unread = group.mark_chat_unread_for_user
    since = body(unread, user=on_behalf_of(people[0], tenant), last_message_read_date_time=datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc))
    await table.row("POST …/markChatUnreadForUser", unread.post(since))
    mine = graph.me.chats.by_chat_id(made.id).messages.by_chat_message_id(first.id)
    await table.row("POST /me/chats/{id}/messages/{id}/softDelete", mine.soft_delete.post())
    await table.row("POST /me/chats/{id}/messages/{id}/undoSoftDelete", mine.undo_soft_delete.post())


def beyond(builder, rest):
    """The same builder for an address below its own, for which the SDK has none."""
    at = builder.to_get_request_information()
    at.path_parameters["baseurl"] = f"{URL}/v1.0"
    return builder.with_url(f"{at.url}/{rest}")


async def export(table, app, people):
    """What only applications may read."""
    chats = app.client.users.by_user_id(people[0]["id"]).chats
    await table.row("GET /users/{id}/chats", app.read(chats.get()))
    listed = await table.row("GET …/chats/getAllMessages", app.read(chats.get_all_messages.get()))
    table.check("it tells what was said", len(listed.value) > 3, str(len(listed.value)))
    changed = await table.row("GET …/chats/getAllMessages/delta", app.read(beyond(chats.get_all_messages, "delta").get()))
    table.check("its delta too", len(changed.value) == len(listed.value))


async def channels(table, ada, grace, app, people):
    """A team, its channels, and a thread."""
    graph = ada.client
    team = fields(models.Team, display_name="Engines", description="Plans")
    team.additional_data = {"template@odata.bind": f"{GRAPH_LINKS}/teamsTemplates('standard')"}
    await table.row("POST /teams", graph.teams.post(team))
    joined = await table.row("GET /me/joinedTeams", ada.read(graph.me.joined_teams.get()))
    one = graph.teams.by_team_id(joined.value[0].id)
    await table.row("GET /teams/{id}", ada.read(one.get()))
    await table.row("POST …/members", ada.read(one.members.post(member(people[1], []))))
    await table.row("GET …/members", ada.read(one.members.get()))
    await table.row("GET …/primaryChannel", ada.read(one.primary_channel.get()))
    wanted = fields(models.Channel, display_name="Pistons", description="d", membership_type=models.ChannelMembershipType.Standard)
    made = await table.row("POST …/channels", ada.read(one.channels.post(wanted)))
    channel = one.channels.by_channel_id(made.id)
    await table.row("GET …/channels/{id}", ada.read(channel.get()))
    await table.row("PATCH …/channels/{id}", channel.patch(fields(models.Channel, description="e")))
    await table.row("GET …/channels", ada.read(one.channels.get()))
    known = {}
    link = await follow(table, ada, channel.messages.delta, None, known)
    root = await table.row("POST …/messages", ada.read(channel.messages.post(said("How much?", subject="Steam"))))
    replies = channel.messages.by_chat_message_id(root.id).replies
    theirs = grace.client.teams.by_team_id(joined.value[0].id).channels.by_channel_id(made.id).messages.by_chat_message_id(root.id)
    reply = await table.row("POST …/replies", grace.read(theirs.replies.post(said("A lot"))))
    await table.row("GET …/replies", ada.read(replies.get()))
    its = replies.by_chat_message_id1(reply.id)
    await table.row("GET …/replies/{id}", ada.read(its.get()))
    await table.row("POST …/replies/{id}/setReaction", its.set_reaction.post(body(its.set_reaction, reaction_type="👍")))
    await table.row("POST …/replies/{id}/unsetReaction", its.unset_reaction.post(body(its.unset_reaction, reaction_type="👍")))
    thread = asking(channel.messages, expand=["replies"], top=5)
    listed = await table.row("GET …/messages?$expand=replies", ada.read(channel.messages.get(thread)))
    table.check("the reply is under its message", listed.value[0].replies[0].id == reply.id)
    await follow(table, ada, channel.messages.delta, link, known)
    table.check("delta tells the message, and no replies", set(known) == {root.id}, str(list(known)))
    mine = channel.messages.by_chat_message_id(root.id)
    await table.row("POST …/softDelete", mine.soft_delete.post())
    await table.row("POST …/undoSoftDelete", mine.undo_soft_delete.post())
    await pictures(table, ada, channel)
    told = await table.row("GET /teams", app.read(app.client.teams.get()))
    table.check("the team is told", joined.value[0].id in [team.id for team in told.value])
    spoken = app.client.teams.by_team_id(joined.value[0].id).channels.get_all_messages
    listed = await table.row("GET /teams/{id}/channels/getAllMessages", app.read(spoken.get()))
    table.check("it tells what was said", root.id in [message.id for message in listed.value])
    told = await table.row("GET …/channels/getAllMessages/delta", app.read(beyond(spoken, "delta").get()))
    table.check("its delta too", root.id in [message.id for message in told.value])
    feed = app.client.teams.by_team_id(joined.value[0].id).send_activity_notification
    topic = fields(models.TeamworkActivityTopic, source=models.TeamworkActivityTopicSource.Text, value="Loop", web_url="https://teams.microsoft.com/l/entity/x")
    told = body(
        feed, topic=topic, activity_type="taskCreated", preview_text=fields(models.ItemBody, content="New task"),
        recipient=fields(models.AadUserNotificationRecipient, user_id=people[1]["id"]),
    )
    await table.row("POST /teams/{id}/sendActivityNotification", feed.post(told))
    await table.row("GET …/channels/{id}/members", ada.read(channel.members.get()))
    listed = await one.members.get()
    out = next(person for person in listed.value if person.user_id == people[1]["id"])
    its = one.members.by_conversation_member_id(out.id)
    await table.row("GET …/members/{id}", ada.read(its.get()))
    await table.row("GET …/channels/{id}/members/{id}", ada.read(channel.members.by_conversation_member_id(out.id).get()))
    await table.row("DELETE …/members/{id}", its.delete())
    await table.row("DELETE …/channels/{id}", channel.delete())


async def pictures(table, ada, channel):
    """A message with a picture and a reply with another: changed, liked, taken back."""
    root = await ada.read(channel.messages.post(with_picture("look")))
    mine = channel.messages.by_chat_message_id(root.id)
    answer = await ada.read(mine.replies.post(with_picture("and this")))
    its = mine.replies.by_chat_message_id1(answer.id)
    for where, message in (("messages", mine), ("replies", its)):
        contents = await table.row(f"GET …/{where}/{{id}}/hostedContents", ada.read(message.hosted_contents.get()))
        content = message.hosted_contents.by_chat_message_hosted_content_id(contents.value[0].id)
        await table.row(f"GET …/{where}/{{id}}/hostedContents/{{id}}", ada.read(content.get()))
        table.check("it is the picture", await table.row(f"GET …/{where}/{{id}}/hostedContents/{{id}}/$value", content.content.get()) == DOT)
        changed = fields(models.ChatMessage, body=fields(models.ItemBody, content="no picture", content_type=models.BodyType.Text))
        await table.row(f"PATCH …/{where}/{{id}}", message.patch(changed))
        kept = await table.row(f"GET …/{where}/{{id}}", ada.read(message.get()))
        table.check("it has no picture any more", kept.body.content == "no picture", kept.body.content)
    for action in ("set_reaction", "unset_reaction"):
        react = getattr(mine, action)
        await table.row(f"POST …/messages/{{id}}/{action}", react.post(body(react, reaction_type="👍")))
    await table.row("POST …/replies/{id}/softDelete", its.soft_delete.post())
    await table.row("POST …/replies/{id}/undoSoftDelete", its.undo_soft_delete.post())


async def follow(table, ada, delta, link, known):
    page = await table.row("GET …/messages/delta", ada.read(delta.with_url(link).get() if link else delta.get()))
    while True:
        known.update({message.id: message for message in page.value})
        if page.odata_delta_link:
            return page.odata_delta_link
        page = await table.row("GET …/messages/delta, next page", ada.read(delta.with_url(page.odata_next_link).get()))


async def presence(table, ada, app, people, client):
    """Who is there, and who says so."""
    me, hour = ada.client.me.presence, datetime.timedelta(hours=1)
    session = body(me.set_presence, session_id=client, availability="Available", activity="Available", expiration_duration=hour)
    await table.row("POST …/presence/setPresence", me.set_presence.post(session))
    kept = await table.row("GET /me/presence", ada.read(me.get()))
    table.check("it is told", (kept.availability, kept.activity) == ("Available", "Available"), f"{kept.availability}/{kept.activity}")
    preferred = body(me.set_user_preferred_presence, availability="DoNotDisturb", activity="DoNotDisturb", expiration_duration=hour)
    await table.row("POST …/setUserPreferredPresence", me.set_user_preferred_presence.post(preferred))
    words = fields(models.PresenceStatusMessage, message=fields(models.ItemBody, content="At lunch", content_type=models.BodyType.Text))
    await table.row("POST …/setStatusMessage", me.set_status_message.post(body(me.set_status_message, status_message=words)))
    kept = await table.row("GET /me/presence", ada.read(me.get()))
    table.check("what she prefers counts", kept.availability == "DoNotDisturb" and kept.status_message.message.content == "At lunch")
    many = ada.client.communications.get_presences_by_user_id
    listed = await table.row("POST /communications/getPresencesByUserId", ada.read(many.post(body(many, ids=[one["id"] for one in people]))))
    table.check("all are told", len(listed.value) == len(people))
    await table.row("GET /users/{id}/presence", ada.read(ada.client.users.by_user_id(people[1]["id"]).presence.get()))
    await table.row("GET /communications/presences/{id}", ada.read(ada.client.communications.presences.by_presence_id(people[1]["id"]).get()))
    await table.row("POST …/clearUserPreferredPresence", me.clear_user_preferred_presence.post())
    await table.row("POST …/clearPresence", me.clear_presence.post(body(me.clear_presence, session_id=client)))
    theirs = app.client.users.by_user_id(people[1]["id"]).presence
    session.availability, session.activity = "Busy", "InACall"
    session.session_id = APP
    await table.row("POST /users/{id}/presence/setPresence", theirs.set_presence.post(session))
    await table.row("POST /users/{id}/presence/setUserPreferredPresence", theirs.set_user_preferred_presence.post(preferred))
    await table.row("POST /users/{id}/presence/setStatusMessage", theirs.set_status_message.post(body(theirs.set_status_message, status_message=words)))
    kept = await ada.read(ada.client.users.by_user_id(people[1]["id"]).presence.get())
    table.check("it is what the app prefers", kept.availability == "DoNotDisturb", kept.availability)
    await table.row("POST /users/{id}/presence/clearUserPreferredPresence", theirs.clear_user_preferred_presence.post())
    await table.row("POST /users/{id}/presence/clearPresence", theirs.clear_presence.post(body(theirs.clear_presence, session_id=APP)))

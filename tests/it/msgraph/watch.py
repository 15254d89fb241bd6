"""Change notifications, batches and logs with Microsoft's Graph SDK, and a receiver as its documentation has one."""

import asyncio
import base64
import datetime
import hmac
import json
import threading
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, padding, serialization
from cryptography.hazmat.primitives.asymmetric import padding as asymmetric
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from kiota_abstractions.api_error import APIError
from msgraph_core.requests.batch_request_builder import BatchRequestBuilder
from msgraph_core.requests.batch_request_content import BatchRequestContent
from msgraph_core.requests.batch_request_item import BatchRequestItem

from sdk import TENANT, TRUST, URL, asking, body, fields, models, understood
from teams import member, said

CHANGE_TRACKING = "0bf30f3b-4a52-48df-9a82-234910c4a086"


class Receiver:
    """An endpoint that answers the handshake and keeps what comes."""

    def __init__(self):
        loop, queue, handshakes = asyncio.get_running_loop(), asyncio.Queue(), []

        class Answer(BaseHTTPRequestHandler):
            def do_POST(self):
                query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
                length = int(self.headers.get("content-length") or 0)
                content = self.rfile.read(length)
                token = query.get("validationToken")
                if token:
                    handshakes.append((self.path.partition("?")[0], self.headers.get("content-type"), content))
                    self.answer(200, token[0].encode())
                else:
                    loop.call_soon_threadsafe(queue.put_nowait, (self.path, json.loads(content)))
                    self.answer(202, b"")

            def answer(self, status, content):
                self.send_response(status)
                self.send_header("content-type", "text/plain")
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_):
                pass

        self.came, self.handshakes = queue, handshakes
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    async def next(self):
        """What comes next, within the time that Graph gives itself."""
        return await asyncio.wait_for(self.came.get(), 20)


class Certificate:
    """A key of the subscriber's, and how it opens what Graph encrypted to it."""

    def __init__(self):
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "subscriber")])
        now = datetime.datetime.now(datetime.timezone.utc)
        builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(self.key.public_key())
        builder = builder.serial_number(7).not_valid_before(now).not_valid_after(now + datetime.timedelta(days=1))
        made = builder.sign(self.key, hashes.SHA256())
        self.text = base64.b64encode(made.public_bytes(serialization.Encoding.DER)).decode()
        self.thumbprint = made.fingerprint(hashes.SHA1()).hex().upper()

    def open(self, content):
        """The documented steps, in the documented order."""
        part = {name: base64.b64decode(content[name]) for name in ("data", "dataKey", "dataSignature")}
        oaep = asymmetric.OAEP(mgf=asymmetric.MGF1(hashes.SHA1()), algorithm=hashes.SHA1(), label=None)
        key = self.key.decrypt(part["dataKey"], oaep)
        if not hmac.compare_digest(hmac.digest(key, part["data"], "sha256"), part["dataSignature"]):
            raise AssertionError("the signature of the data is wrong")
        opening = Cipher(algorithms.AES(key), modes.CBC(key[:16])).decryptor()
        padded = opening.update(part["data"]) + opening.finalize()
        unpadding = padding.PKCS7(128).unpadder()
        return json.loads(unpadding.update(padded) + unpadding.finalize())


def verified(token, audience):
    """A validation token's claims, if Entra signed it."""
    keys = json.load(urllib.request.urlopen(f"{URL}/common/discovery/keys", context=TRUST))
    kid = jwt.get_unverified_header(token)["kid"]
    key = jwt.PyJWK(next(key for key in keys["keys"] if key["kid"] == kid), algorithm="RS256")
    return jwt.decode(token, key.key, algorithms=["RS256"], audience=audience, issuer=f"https://sts.windows.net/{TENANT}/")


def until(minutes):
    return datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=minutes)


async def subscriptions(table, ada, people):
    """Made, told, read, renewed and ended; resource data arrives encrypted."""
    receiver, certificate, graph = Receiver(), Certificate(), ada.client
    pair = fields(models.Chat, chat_type=models.ChatType.OneOnOne, members=[member(one) for one in (people[0], people[2])])
    chat = await graph.chats.post(pair)
    wanted = fields(
        models.Subscription, change_type="created,updated", notification_url=f"{receiver.url}/chat?of=ada", client_state="secret",
        lifecycle_notification_url=f"{receiver.url}/lifecycle", resource=f"chats/{chat.id}/messages", expiration_date_time=until(120),
        include_resource_data=True, encryption_certificate=certificate.text, encryption_certificate_id="one",
    )
    made = await table.row("POST /subscriptions", ada.read(graph.subscriptions.post(wanted)))
    paths = [path for path, _, _ in receiver.handshakes]
    table.check("both endpoints were asked first", paths == ["/chat", "/lifecycle"], str(receiver.handshakes))
    table.check("as documented", all(kind == "text/plain; charset=utf-8" and not content for _, kind, content in receiver.handshakes))
    one = graph.subscriptions.by_subscription_id(made.id)
    await table.row("GET /subscriptions/{id}", ada.read(one.get()))
    await table.row("GET /subscriptions", ada.read(graph.subscriptions.get()))
    message = await graph.chats.by_chat_id(chat.id).messages.post(said("<p>between us</p>"))
    path, told = await receiver.next()
    item = told["value"][0]
    table.check("its query is kept", path == "/chat?of=ada", path)
    table.check(
        "it is told who and what",
        (item["subscriptionId"], item["clientState"], item["changeType"], item["tenantId"]) == (made.id, "secret", "created", TENANT),
        json.dumps(item)[:300],
    )
    content = item["encryptedContent"]
    table.check("it is for the certificate", (content["encryptionCertificateId"], content["encryptionCertificateThumbprint"]) == ("one", certificate.thumbprint))
    opened = certificate.open(content)
    read = understood(opened, models.ChatMessage)
    table.check("what is inside is the message", (read.id, read.body.content) == (message.id, "<p>between us</p>"), read.body.content)
    claims = verified(told["validationTokens"][0], made.application_id)
    table.check("change tracking says so", claims["appid"] == CHANGE_TRACKING, str(claims))
    renewed = await table.row("PATCH /subscriptions/{id}", ada.read(one.patch(fields(models.Subscription, expiration_date_time=until(300)))))
    table.check("it is renewed", renewed.expiration_date_time > made.expiration_date_time)
    await table.row("POST …/reauthorize", one.reauthorize.post())
    far = fields(
        models.Subscription, change_type="created", notification_url=f"{receiver.url}/mail", resource="me/messages",
        expiration_date_time=until(99_999),
    )
    await table.refused("it cannot last for months", graph.subscriptions.post(far), 400, "ExtensionError")

    mail = fields(
        models.Subscription, change_type="created", notification_url=f"{receiver.url}/mail", client_state="m",
        resource="me/mailFolders('inbox')/messages", expiration_date_time=until(60),
    )
    box = await table.row("POST /subscriptions (mail)", ada.read(graph.subscriptions.post(mail)))
    letter = fields(
        models.Message, subject="To myself", body=fields(models.ItemBody, content="x", content_type=models.BodyType.Text),
        to_recipients=[fields(models.Recipient, email_address=fields(models.EmailAddress, address=people[0]["upn"]))],
    )
    await graph.me.send_mail.post(body(graph.me.send_mail, message=letter))
    path, told = await receiver.next()
    item = told["value"][0]
    table.check("mail is told", (path, item["clientState"]) == ("/mail", "m") and item["resourceData"]["@odata.type"] == "#Microsoft.Graph.Message", json.dumps(item)[:300])
    came = await table.row("GET the message that was told", ada.read(graph.me.messages.by_message_id(item["resourceData"]["id"]).get()))
    table.check("it is that letter", came.subject == "To myself")
    for made in (made, box):
        await table.row("DELETE /subscriptions/{id}", graph.subscriptions.by_subscription_id(made.id).delete())
    nowhere = fields(models.Subscription, change_type="created", notification_url="http://127.0.0.1:9/", resource="me/messages", expiration_date_time=until(60))
    await table.refused("an endpoint that does not answer gets none", graph.subscriptions.post(nowhere), 400, "ValidationError")


class Step(BatchRequestItem):
    """The SDK writes an absolute address, and `dependsOn` by a name of its own: both are not what Graph reads."""

    def serialize(self, writer):
        self.url = self.url.removeprefix(f"{URL}/v1.0")
        super().serialize(writer)
        writer.write_collection_of_primitive_values("dependsOn", self._depends_on)


async def batch(table, app, ada, people):
    """Several requests in one; each has its own answer."""
    graph = app.client
    listed = graph.users.to_get_request_information()
    missing = graph.users.by_user_id("00000000-0000-4000-8000-00000000dead").to_get_request_information()
    absolute = BatchRequestContent({"1": BatchRequestItem(request_information=listed, id="1")})
    try:
        await BatchRequestBuilder(app.adapter).post(absolute)
        table.check("an absolute address is refused, as Graph refuses it", False)
    except APIError as error:
        table.check("an absolute address is refused, as Graph refuses it", error.response_status_code == 400, str(error))
    content = BatchRequestContent({
        "1": Step(request_information=listed, id="1"),
        "2": Step(request_information=missing, id="2"),
    })
    answer = await table.row("POST /$batch", BatchRequestBuilder(app.adapter).post(content))
    statuses = {name: one.status for name, one in answer.responses.items()}
    table.check("each has its own status", statuses == {"1": 200, "2": 404}, str(statuses))
    users = answered(app.raw, "1", models.UserCollectionResponse)
    table.check("the users are all there", {one["id"] for one in people} <= {one.id for one in users.value})

    me = ada.client.me
    made = me.messages.to_post_request_information(fields(models.Message, subject="In a batch"))
    after = me.mail_folders.by_mail_folder_id("drafts").messages
    after = after.to_get_request_information(asking(after, filter="subject eq 'In a batch'"))
    content = BatchRequestContent({
        "a": Step(request_information=made, id="a"),
        "b": Step(request_information=after, id="b", depends_on=["a"]),
    })
    answer = await table.row("POST /$batch (dependsOn)", BatchRequestBuilder(ada.adapter).post(content))
    statuses = {name: one.status for name, one in answer.responses.items()}
    table.check("one after the other", statuses == {"a": 201, "b": 200}, str(statuses))
    drafts = answered(ada.raw, "b", models.MessageCollectionResponse)
    table.check("the second sees what the first made", [one.subject for one in drafts.value] == ["In a batch"])


def answered(raw, name, model):
    """What the SDK makes of one answer of a batch."""
    return understood(next(one["body"] for one in raw["responses"] if one["id"] == name), model)


async def logs(table, app, ada, people):
    """What happened is found again by who did it and by what."""
    graph = app.client
    came = graph.audit_logs.sign_ins
    listed = await table.row("GET /auditLogs/signIns", app.read(came.get(asking(came, top=5))))
    of = asking(came, filter=f"userId eq '{people[0]['id']}'")
    hers = await table.row("GET /auditLogs/signIns?$filter", app.read(came.get(of)))
    table.check("she signed in", hers.value and all(one.user_id == people[0]["id"] for one in hers.value), str(len(hers.value)))
    table.check("newest first", [one.created_date_time for one in listed.value] == sorted((one.created_date_time for one in listed.value), reverse=True))
    row = await table.row("GET /auditLogs/signIns/{id}", app.read(came.by_sign_in_id(hers.value[0].id).get()))
    table.check("it went well", row.status.error_code == 0, str(row.status.error_code))
    done = graph.audit_logs.directory_audits
    listed = await table.row("GET /auditLogs/directoryAudits", app.read(done.get(asking(done, top=10))))
    made = await table.row("GET /auditLogs/directoryAudits?$filter", app.read(done.get(asking(done, filter="activityDisplayName eq 'Add user'"))))
    table.check("the user that was made is there, and by whom", made.value and made.value[0].initiated_by.app is not None)
    await table.row("GET /auditLogs/directoryAudits/{id}", app.read(done.by_directory_audit_id(listed.value[0].id).get()))

"""Microsoft's Graph SDK as it comes from PyPI, against the sandbox, and a strict look at what it understood.

The SDK's parser forgives: what it does not know lands in `additional_data`, what it cannot read becomes None.
So every answer is compared with what the SDK made of it: nothing left over, nothing lost (Entra reference §10).
"""

import datetime
import importlib
import json
import os
import re
import ssl
import time

import httpx
from azure.core.credentials import AccessToken
from kiota_abstractions.base_request_configuration import RequestConfiguration
from kiota_abstractions.date_utils import parse_timedelta_string
from kiota_abstractions.headers_collection import HeadersCollection
from kiota_abstractions.serialization import Parsable
from kiota_authentication_azure.azure_identity_authentication_provider import AzureIdentityAuthenticationProvider
from kiota_serialization_json.json_parse_node_factory import JsonParseNodeFactory
from kiota_serialization_json.json_serialization_writer import JsonSerializationWriter
from msgraph import GraphServiceClient
from msgraph.generated.models.o_data_errors.o_data_error import ODataError
from msgraph.graph_request_adapter import GraphRequestAdapter, options
from msgraph_core import GraphClientFactory

READY = json.loads(os.environ["SANDBOX"])
URL = READY["url"]
HOST = URL.removeprefix("https://")
TENANT = READY["tenant_id"]
APP = READY["apps"]["provisioner"]["client_id"]
GRAPH = "https://graph.microsoft.com/.default"
GRAPH_LINKS = "https://graph.microsoft.com/v1.0"
TRUST = ssl.create_default_context(cafile=READY["ca"])


# What real answers have although the SDK's model, made from the CSDL, has not (Entra reference, appendix B).
BEYOND_THE_MODEL = {"tenantId": "TeamworkUserIdentity"}


def snake(name):
    """How the SDK names the module of a class."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


class Models:
    """The SDK's models by their names: there are thousands, each in a module of its own."""

    def __getattr__(self, name):
        return getattr(importlib.import_module(f"msgraph.generated.models.{snake(name)}"), name)


models = Models()


def fields(model, **values):
    """A model with some fields set; an `odata_type` of its own stays."""
    made = model()
    for name, value in values.items():
        setattr(made, name, value)
    return made


def body(builder, **values):
    """The body that a builder's action takes: it stands beside the builder."""
    module, name = type(builder).__module__, type(builder).__name__.removesuffix("RequestBuilder")
    module = f"{module.rpartition('.')[0]}.{snake(name)}_post_request_body"
    return fields(getattr(importlib.import_module(module), f"{name}PostRequestBody"), **values)


def asking(builder, headers=None, **options):
    """A request with query options, and headers."""
    query = getattr(type(builder), f"{type(builder).__name__}GetQueryParameters", None)
    sent = HeadersCollection()
    for name, value in (headers or {}).items():
        sent.add(name, value)
    return RequestConfiguration(query_parameters=query(**options) if options else None, headers=sent)


class Token:
    """A credential that has its token already."""

    def __init__(self, token):
        self.token = token

    def get_token(self, *scopes, **options):
        return AccessToken(self.token, int(time.time()) + 3000)


def client_credentials(client_id, secret):
    """An app's own token."""
    form = {"client_id": client_id, "client_secret": secret, "grant_type": "client_credentials", "scope": GRAPH}
    answer = httpx.post(f"{URL}/{TENANT}/oauth2/v2.0/token", data=form, verify=TRUST).json()
    return answer["access_token"]


class Graph:
    """A client of the SDK, and the last JSON that came to it."""

    def __init__(self, token):
        self.token = token
        self.raw = None
        http = httpx.AsyncClient(verify=TRUST, event_hooks={"response": [self._keep]}, timeout=30)
        http = GraphClientFactory.create_with_default_middleware(client=http, options=options)
        provider = AzureIdentityAuthenticationProvider(Token(token), scopes=[GRAPH], allowed_hosts=[HOST, "localhost"])
        self.adapter = GraphRequestAdapter(provider, client=http)
        self.adapter.base_url = f"{URL}/v1.0"
        self.client = GraphServiceClient(request_adapter=self.adapter)

    async def _keep(self, response):
        await response.aread()
        kind = response.headers.get("content-type", "")
        if response.is_success and kind.startswith("application/json"):
            self.raw = response.json()

    async def read(self, call):
        """What the SDK made of an answer, after making sure that it is all of it."""
        self.raw = None
        model = await call
        if isinstance(model, Parsable):
            judge(self.raw, model)
        return model


def understood(raw, model):
    """What the SDK makes of JSON that came another way, after making sure that it is all of it."""
    node = JsonParseNodeFactory().get_root_parse_node("application/json", json.dumps(raw).encode())
    read = node.get_object_value(model)
    judge(raw, read)
    return read


def judge(raw, model):
    """Nothing may be left over, nothing lost."""
    faults = list(left_over(model)) + list(lost(raw, written(model), model))
    if faults:
        raise AssertionError("; ".join(faults))


def written(model):
    """A model as the SDK itself would send it."""
    writer = JsonSerializationWriter()
    writer.write_object_value(None, model)
    return json.loads(writer.get_serialized_content())


def left_over(model, place=""):
    """What the SDK did not know: only annotations may be left over."""
    for name, value in vars(model).items():
        if name == "additional_data":
            for key in value or {}:
                known = BEYOND_THE_MODEL.get(key) == type(model).__name__
                if not key.startswith("@") and "@odata." not in key and not key.endswith("@delta") and not known:
                    yield f"left over: {place}{key}"
            continue
        for at, one in enumerate(value if isinstance(value, list) else [value]):
            if isinstance(one, Parsable) and hasattr(one, "additional_data"):
                index = f"[{at}]" if isinstance(value, list) else ""
                yield from left_over(one, f"{place}{name}{index}.")


def lost(sent, kept, model, place=""):
    """What was sent and is not in the model, or differs in it."""
    if isinstance(sent, dict):
        if not isinstance(kept, dict):
            yield f"lost: {place or 'all of it'}"
            return
        for name, value in sent.items():
            if value is None or "@" in name:
                continue
            field = getattr(model, snake(name), None) or getattr(model, f"{snake(name)}_", None)
            if name in kept:
                yield from lost(value, kept[name], field, f"{place}{name}.")
            elif not field and value not in ({}, []):
                # What only Graph may set is understood and yet not written; what is empty holds nothing to lose.
                yield f"lost: {place}{name} = {json.dumps(value)[:80]}"
    elif isinstance(sent, list):
        if not isinstance(kept, list) or len(sent) != len(kept):
            yield f"lost: {place}"
            return
        models_of = model if isinstance(model, list) and len(model) == len(sent) else [None] * len(sent)
        for at, (one, other, field) in enumerate(zip(sent, kept, models_of)):
            yield from lost(one, other, field, f"{place}{at}.")
    elif not same(sent, kept):
        yield f"changed: {place} {json.dumps(sent)[:80]} to {json.dumps(kept)[:80]}"


def same(sent, kept):
    if sent == kept:
        return True
    if isinstance(sent, str) and isinstance(kept, str):
        if re.fullmatch(r"\d\d:\d\d:\d\d\.0+", sent):
            return sent.partition(".")[0] == kept
        if re.fullmatch(r"P[0-9DTHMS.]+", sent):
            return str(parse_timedelta_string(sent)) == kept
        if sent.lower() == kept.lower() and len(sent) == 36:
            return True
        times = [moment(text) for text in (sent, kept)]
        return None not in times and abs(times[0] - times[1]) < datetime.timedelta(milliseconds=1)
    if isinstance(sent, (int, float)) and isinstance(kept, (int, float)):
        return float(sent) == float(kept)
    return False


def moment(text):
    """A time, whatever the number of its decimals."""
    parts = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)?", text)
    if parts is None:
        return None
    fraction = (parts[2] or "0")[:6].ljust(6, "0")
    zone = "+00:00" if parts[3] in (None, "Z") else parts[3]
    return datetime.datetime.fromisoformat(f"{parts[1]}.{fraction}{zone}")


class Table:
    """One row a call; what failed says why and the rest goes on."""

    def __init__(self):
        self.section = ""

    async def row(self, what, call):
        """Runs a call; its result, or None."""
        try:
            result = await call
        except Exception as error:  # pylint: disable=broad-except
            self.tell(what, explained(error))
            return None
        self.tell(what, None)
        return result

    def check(self, what, holds, detail=""):
        self.tell(what, None if holds else f"does not hold {detail}")

    async def refused(self, what, call, status, code):
        """A call that has to end in an error, which the SDK understands."""
        try:
            await call
        except ODataError as error:
            got = (error.response_status_code, error.error and error.error.code)
            return self.check(what, got == (status, code), f"but {got}: {error.error and error.error.message}")
        self.check(what, False, "but is allowed")

    def tell(self, what, fault):
        print(json.dumps({"section": self.section, "call": what, "fault": fault}), flush=True)


def explained(error):
    inner = getattr(error, "error", None)
    if inner is not None:
        return f"{getattr(error, 'response_status_code', '?')} {inner.code}: {inner.message}"
    return f"{type(error).__name__}: {error}"

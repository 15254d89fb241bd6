"""pytest fixtures for the sandbox tenant of `attache`. Standard library only; copy this file beside your tests.

With `pytest_plugins = ["attache_sandbox"]` in conftest.py, a test that asks for `tenant` gets a tenant of its
own, which is removed afterwards:

    def test_users(tenant):
        users = tenant.graph("GET", "/users", tenant.app_token())["value"]

Under `attache sandbox exec -- pytest`, or with ATTACHE_SANDBOX_URL set, the sandbox that runs is used;
otherwise `attache` (or $ATTACHE_BINARY) is started once, on a free port, and ended after the last test.
"""

import base64
import hashlib
import html.parser
import http.cookiejar
import json
import os
import secrets
import ssl
import subprocess
import tempfile
import urllib.error
import urllib.parse
import urllib.request

import pytest

GRAPH = "https://graph.microsoft.com/.default"
REDIRECT = "http://localhost"
FOREIGN = ("AZURE_CLIENT_CERTIFICATE_PATH", "AZURE_FEDERATED_TOKEN_FILE", "AZURE_USERNAME", "AZURE_PASSWORD")


class Refused(Exception):
    """An answer that is an error: `status`, and the `body` as it came."""

    def __init__(self, status, body):
        super().__init__(f"{status} {body}")
        self.status, self.body = status, body


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


class _Form(html.parser.HTMLParser):
    """The first form of a page: its action, its fields, and its first button."""

    def __init__(self, page):
        super().__init__()
        self.action, self.fields, self.pressed = None, {}, False
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        named = dict(attributes)
        if tag == "form" and self.action is None:
            self.action = named.get("action") or ""
        elif tag == "input" and named.get("name"):
            self.fields[named["name"]] = named.get("value") or ""
        elif tag == "button" and named.get("name") and not self.pressed:
            self.fields[named["name"]], self.pressed = named.get("value") or "", True


class Http:
    """Calls to the sandbox, which is trusted by its own authorities only."""

    def __init__(self, environ):
        self.url, self.ca = environ["ATTACHE_SANDBOX_URL"].rstrip("/"), environ["ATTACHE_CA"]

    def json(self, method, url, token, body=None):
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        return self.open(urllib.request.Request(url, data, headers, method=method))

    def open(self, request):
        try:
            with self.opener().open(request) as answer:
                content = answer.read()
                return json.loads(content) if content else None
        except urllib.error.HTTPError as answer:
            raise Refused(answer.code, answer.read().decode()) from None

    def opener(self, *handlers):
        context = ssl.create_default_context(cafile=self.ca)
        direct = urllib.request.ProxyHandler({})
        return urllib.request.build_opener(direct, urllib.request.HTTPSHandler(context=context), *handlers)


class Tenant(Http):
    """A tenant: where it is, its ids and secrets, and tokens for it. `ready` is all that the sandbox tells."""

    def __init__(self, ready, environ):
        super().__init__(environ)
        self.ready, self.id, self.domain = ready, ready["tenant_id"], ready["domain"]
        self.client_id, self.provisioner = ready["apps"]["client"]["client_id"], ready["apps"]["provisioner"]
        self.users, self.control_token = ready["users"], ready["control_token"]
        self.authority = f"{self.url}/{self.id}"
        # An empty value of the others keeps credentials for a real tenant away.
        self.environ = environ | dict.fromkeys(FOREIGN, "") | {
            "AZURE_TENANT_ID": self.id,
            "AZURE_CLIENT_ID": self.provisioner["client_id"],
            "AZURE_CLIENT_SECRET": self.provisioner["client_secret"],
            "ATTACHE_TENANT": self.id,
            "ATTACHE_CLIENT_ID": self.client_id,
            "ATTACHE_PROVISIONER_CLIENT_ID": self.provisioner["client_id"],
            "ATTACHE_PROVISIONER_CLIENT_SECRET": self.provisioner["client_secret"],
            "ATTACHE_SANDBOX_TOKEN": self.control_token,
        }

    def control(self, method, path, body=None):
        """The control API: `tenant.control("POST", "clock", {"advance_seconds": 3600})`."""
        return self.json(method, f"{self.url}/_sandbox/{path}", self.control_token, body)

    def reset(self):
        """Back to how it was made."""
        self.control("POST", "reset")

    def graph(self, method, path, token, body=None):
        """One call to Graph."""
        return self.json(method, f"{self.url}/v1.0{path}", token, body)

    def app_token(self, scope=GRAPH):
        """The provisioner's token, which is an application's."""
        return self._token(**self.provisioner, grant_type="client_credentials", scope=scope)

    def user_token(self, scope=GRAPH, user=0):
        """A user's token: signs in at the page and consents, as a person does; the first is the administrator."""
        verifier = secrets.token_urlsafe(48)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {"client_id": self.client_id, "response_type": "code", "redirect_uri": REDIRECT, "scope": scope}
        asked |= {"code_challenge": challenge, "code_challenge_method": "S256"}
        typed = {"username": self.users[user]["upn"], "password": self.users[user]["password"]}
        browser = self.opener(_Stay, urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
        url, form = f"{self.authority}/oauth2/v2.0/authorize?{urllib.parse.urlencode(asked)}", None
        while not url.startswith(REDIRECT):
            try:
                with browser.open(url, form) as answer:
                    page = _Form(answer.read().decode())
                if page.action is None:
                    raise Refused(answer.status, "the sign-in showed a page without a form")
                url = urllib.parse.urljoin(url, page.action)
                fields = page.fields | {name: value for name, value in typed.items() if name in page.fields}
                form = urllib.parse.urlencode(fields).encode()
            except urllib.error.HTTPError as answer:
                if answer.code not in (302, 303):
                    raise Refused(answer.code, answer.read().decode()) from None
                url, form = urllib.parse.urljoin(url, answer.headers["Location"]), None
        landed = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query))
        if "code" not in landed:
            raise Refused(200, landed)
        code = {"code": landed["code"], "redirect_uri": REDIRECT, "code_verifier": verifier}
        return self._token(client_id=self.client_id, grant_type="authorization_code", **code)

    def _token(self, **form):
        data = urllib.parse.urlencode(form).encode()
        return self.open(urllib.request.Request(f"{self.authority}/oauth2/v2.0/token", data))["access_token"]


@pytest.fixture(scope="session")
def sandbox():
    """The sandbox that runs, or one that is started for this session."""
    if "ATTACHE_SANDBOX_URL" in os.environ:
        yield _known(dict(os.environ))
        return
    binary = os.environ.get("ATTACHE_BINARY", "attache")
    with tempfile.TemporaryDirectory() as home:
        environ = {**os.environ, "ATTACHE_HOME": home}
        line = [binary, "sandbox", "--json", "--listen", "127.0.0.1:0"]
        process = subprocess.Popen(line, env=environ, stdout=subprocess.PIPE, text=True)
        try:
            assert process.stdout.readline(), "attache sandbox did not start; see what it wrote above"
            said = subprocess.run([binary, "sandbox", "env", "--json"], env=environ, capture_output=True, check=True)
            yield _known(json.loads(said.stdout))
        finally:
            process.terminate()
            process.wait(10)


def _known(environ):
    environ = {name: value for name, value in environ.items() if value is not None}
    client = Http(environ)
    return Tenant(client.json("GET", f"{client.url}/_sandbox/ready", environ["ATTACHE_SANDBOX_TOKEN"]), environ)


@pytest.fixture
def tenant(sandbox):
    """A tenant of its own for one test."""
    fresh = Tenant(sandbox.control("POST", "tenants", {}), sandbox.environ)
    yield fresh
    sandbox.control("DELETE", f"tenants/{fresh.id}")


@pytest.fixture
def tenant_environ(tenant, monkeypatch):
    """The same, with the environment set in which the Azure SDKs, requests and child processes use it."""
    for name, value in tenant.environ.items():
        monkeypatch.setenv(name, value)
    return tenant

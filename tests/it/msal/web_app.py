"""A confidential web application: the redirect brings its code in a form that is posted, and in the fragment; then
the code without the secret that belongs to it."""

import http.server
from urllib.parse import parse_qsl

from identity import GRAPH_APP, confidential
from registrations import Registration, consent
from sandbox import claims, graph, redirected, tell, token

SCOPES = ["User.Read"]


class Posted(http.server.BaseHTTPRequestHandler):
    """The application's redirect address, which keeps what was posted to it."""

    def do_POST(self):
        text = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.posted = self.headers["Content-Type"], dict(parse_qsl(text))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


server = http.server.HTTPServer(("127.0.0.1", 0), Posted)
redirect = f"http://localhost:{server.server_port}/signed-in"
registration = Registration("Web application", web={"redirectUris": [redirect]})
consent(registration.app_id, GRAPH_APP, "User.Read Mail.ReadBasic")
app = registration.with_secret()


def begin(response_mode):
    return app.initiate_auth_code_flow(SCOPES, redirect_uri=redirect, response_mode=response_mode)


flow = begin("form_post")
tell(open=flow["auth_uri"])
server.handle_request()
kind, posted = server.posted
answer = app.acquire_token_by_auth_code_flow(flow, posted)
access = token(answer)
tell(
    flow="form_post", kind=kind, names=sorted(posted), claims=claims(access), id_token=answer["id_token_claims"],
    me=graph(access, "GET", "/me"), app=registration.app_id,
)

(account,) = app.get_accounts()
cached = app.acquire_token_silent(SCOPES, account)
other = app.acquire_token_silent(["Mail.ReadBasic"], account)
tell(flow="silent", cached=token(cached) == access, claims=claims(token(other)))

flow = begin("fragment")
access = token(app.acquire_token_by_auth_code_flow(flow, redirected(flow)))
tell(flow="fragment", claims=claims(access))

stranger = confidential(registration.app_id, "wrong")
flow = begin("fragment")
refused = stranger.acquire_token_by_auth_code_flow(flow, redirected(flow))
tell(flow="wrong secret", error=refused.get("error"), codes=refused.get("error_codes"))

"""Authorization code with PKCE: MSAL's own loopback server with form_post, then the redirect read by hand,
then one with a verifier that was tampered with."""

import msal

from sandbox import AUTHORITY, CLIENT, claims, graph, redirected, tell, token

app = msal.PublicClientApplication(CLIENT, authority=AUTHORITY, instance_discovery=False)

interactive = app.acquire_token_interactive(["User.Read"], timeout=60, auth_uri_callback=lambda uri: tell(open=uri))
access = token(interactive)
tell(flow="interactive", claims=claims(access), id_token=interactive["id_token_claims"], me=graph(access, "GET", "/me"))


def begin():
    flow = app.initiate_auth_code_flow(["User.Read"], redirect_uri="http://localhost:1")
    return flow, redirected(flow)


flow, landed = begin()
access = token(app.acquire_token_by_auth_code_flow(flow, landed))
tell(flow="redirect", claims=claims(access), me=graph(access, "GET", "/me"))

again = app.acquire_token_by_auth_code_flow(flow, landed)
tell(flow="again", error=again.get("error"), codes=again.get("error_codes"))

flow, landed = begin()
flow["code_verifier"] = "a" * 43
tampered = app.acquire_token_by_auth_code_flow(flow, landed)
tell(flow="tampered", error=tampered.get("error"), codes=tampered.get("error_codes"))

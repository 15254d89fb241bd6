"""Continuous access evaluation: a client that can take a claims challenge gets a long token, meets the challenge
once the person's sessions are revoked, and answers it by another sign-in."""

import base64
import json
import re

import msal
import requests

from registrations import registrar
from sandbox import AUTHORITY, CLIENT, READY, SPONSOR, URL, claims, graph, redirected, tell, token

SCOPES = ["User.Read"]

app = msal.PublicClientApplication(CLIENT, authority=AUTHORITY, instance_discovery=False, client_capabilities=["CP1"])


def sign_in(**named):
    flow = app.initiate_auth_code_flow(SCOPES, redirect_uri="http://localhost:1", **named)
    return app.acquire_token_by_auth_code_flow(flow, redirected(flow))


def me(access):
    return requests.get(f"{URL}/v1.0/me", headers={"Authorization": f"Bearer {access}"}, timeout=60)


def a_second_passes():
    """The times of a token are whole seconds."""
    control = {"Authorization": f"Bearer {READY['control_token']}"}
    requests.post(f"{URL}/_sandbox/clock", json={"advance_seconds": 1}, headers=control, timeout=60).raise_for_status()


answer = sign_in()
access = token(answer)
tell(flow="long", claims=claims(access), expires_in=answer["expires_in"], status=me(access).status_code)

a_second_passes()
graph(registrar(), "POST", f"/users/{SPONSOR['id']}/revokeSignInSessions")
a_second_passes()
refused = me(access)
header = refused.headers["WWW-Authenticate"]
challenge = base64.b64decode(re.search(r'claims="([^"]*)"', header)[1]).decode()
tell(flow="challenge", status=refused.status_code, header=header, challenge=json.loads(challenge))

(account,) = app.get_accounts()
silent = app.acquire_token_silent_with_error(SCOPES, account, claims_challenge=challenge)
tell(flow="silent", error=silent.get("error"), codes=silent.get("error_codes"))

renewed = token(sign_in(claims_challenge=challenge))
tell(flow="answered", claims=claims(renewed), renewed=renewed != access, status=me(renewed).status_code)

"""A refresh token from elsewhere: another program's client takes it over, asks for another scope with it, and
passes the account on in its cache; then a token that nobody issued."""

import msal

from sandbox import AUTHORITY, CLIENT, claims, graph, redirected, tell, token


def client(cache=None):
    return msal.PublicClientApplication(CLIENT, authority=AUTHORITY, instance_discovery=False, token_cache=cache)


elsewhere = client()
flow = elsewhere.initiate_auth_code_flow(["User.Read"], redirect_uri="http://localhost:1")
answer = elsewhere.acquire_token_by_auth_code_flow(flow, redirected(flow))

cache = msal.SerializableTokenCache()
app = client(cache)
taken = app.acquire_token_by_refresh_token(answer["refresh_token"], ["Chat.Read"])
access = token(taken)
tell(flow="taken over", claims=claims(access), chats=graph(access, "GET", "/chats")["value"])

kept = msal.SerializableTokenCache()
kept.deserialize(cache.serialize())
later = client(kept)
(account,) = later.get_accounts()
silent = later.acquire_token_silent(["User.Read"], account)
tell(flow="kept", username=account["username"], source=silent["token_source"], me=graph(token(silent), "GET", "/me"))

for flow, refresh_token in [("nobody's", "1.Anonsense"), ("another kind", access)]:
    refused = client().acquire_token_by_refresh_token(refresh_token, ["User.Read"])
    tell(flow=flow, error=refused.get("error"), codes=refused.get("error_codes"))

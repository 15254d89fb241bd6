"""A name and a password, by Microsoft's names: MSAL first asks who keeps the password, and asks that on port 443
whatever the authority says."""

import warnings

import msal

from sandbox import CLIENT, READY, SPONSOR, TENANT, by_microsofts_names, claims, graph, tell, token

warnings.simplefilter("ignore", DeprecationWarning)
by_microsofts_names()


def client(tenant=TENANT):
    return msal.PublicClientApplication(CLIENT, authority=f"https://login.microsoftonline.com/{tenant}")


def ask(app, username=SPONSOR["upn"], password=SPONSOR["password"]):
    return app.acquire_token_by_username_password(username, password, ["User.Read"])


app = client()
answer = ask(app)
access = token(answer)
me = graph(access, "GET", "/me", base="https://graph.microsoft.com")
tell(flow="password", claims=claims(access), id_token=answer["id_token_claims"], me=me)

(account,) = app.get_accounts()
refreshed = app.acquire_token_silent(["User.Read"], account, force_refresh=True)
tell(flow="silent", username=account["username"], renewed=token(refreshed) != access)

for flow, app, who in [
    ("by domain", client(READY["domain"]), {}),
    ("common", client("common"), {}),
    ("wrong password", client(), {"password": "wrong"}),
    ("nobody", client(), {"username": f"nobody@{READY['domain']}"}),
]:
    answer = ask(app, **who)
    own = claims(answer["access_token"]) if "access_token" in answer else None
    tell(flow=flow, claims=own, error=answer.get("error"), codes=answer.get("error_codes"))

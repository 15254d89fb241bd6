"""Device code: asked once too early, then after the code was entered; then the account from the cache."""

import msal

from sandbox import AUTHORITY, CLIENT, claims, graph, hear, tell, token

app = msal.PublicClientApplication(CLIENT, authority=AUTHORITY, instance_discovery=False)
flow = app.initiate_device_flow(["User.Read"])
tell(verification_uri=flow["verification_uri"], user_code=flow["user_code"])

early = app.acquire_token_by_device_flow(flow, exit_condition=lambda flow: True)
tell(early=early.get("error"))
hear()

access = token(app.acquire_token_by_device_flow(flow, exit_condition=lambda flow: True))
tell(claims=claims(access), me=graph(access, "GET", "/me"))

(account,) = app.get_accounts()
refreshed = token(app.acquire_token_silent(["User.Read"], account, force_refresh=True))
tell(username=account["username"], refreshed=refreshed != access, me=graph(refreshed, "GET", "/me"))

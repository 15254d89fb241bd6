"""Authorities without a tenant in their name, for an application of several tenants and for one of a single one;
and an authority that is given as an OpenID Connect issuer."""

import msal

from identity import GRAPH_APP
from registrations import Registration, consent
from sandbox import CLIENT, GRAPH, PROVISIONER, TENANT, URL, claims, graph, redirected, tell, token

several = Registration(
    "Several tenants", signInAudience="AzureADMultipleOrgs", publicClient={"redirectUris": ["http://localhost"]}
)
consent(several.app_id, GRAPH_APP, "User.Read Mail.ReadBasic")


def sign_in(app):
    flow = app.initiate_auth_code_flow(["User.Read"], redirect_uri="http://localhost:1")
    return app.acquire_token_by_auth_code_flow(flow, redirected(flow))


for name in ["common", "organizations"]:
    app = msal.PublicClientApplication(several.app_id, authority=f"{URL}/{name}", instance_discovery=False)
    answer = sign_in(app)
    access = token(answer)
    (account,) = app.get_accounts()
    silent = token(app.acquire_token_silent(["Mail.ReadBasic"], account))
    tell(
        flow=name, claims=claims(access), id_token=answer["id_token_claims"], account=account, silent=claims(silent),
        me=graph(access, "GET", "/me"),
    )

issuer = {"authority": None, "oidc_authority": f"{URL}/{TENANT}/v2.0"}
app = msal.PublicClientApplication(CLIENT, **issuer)
answer = sign_in(app)
(account,) = app.get_accounts()
refreshed = token(app.acquire_token_silent(["User.Read"], account, force_refresh=True))
tell(flow="issuer", claims=claims(token(answer)), id_token=answer["id_token_claims"], refreshed=claims(refreshed))

own = msal.ConfidentialClientApplication(
    PROVISIONER["client_id"], client_credential=PROVISIONER["client_secret"], **issuer
)
tell(flow="issuer, by itself", claims=claims(token(own.acquire_token_for_client(GRAPH))))

"""On behalf of: an API, and then an agent identity, exchange the token that a person's client called them with."""

import msal

from identity import GRAPH_APP, Blueprint, confidential
from registrations import Registration, consent, expose
from sandbox import AUTHORITY, CLIENT, EXCHANGE, claims, graph, redirected, tell, token

client = msal.PublicClientApplication(CLIENT, authority=AUTHORITY, instance_discovery=False)


def called_with(scope):
    """The token of the person who signs in, for an API."""
    flow = client.initiate_auth_code_flow([scope], redirect_uri="http://localhost:1")
    return token(client.acquire_token_by_auth_code_flow(flow, redirected(flow)))


api = Registration("Middle tier")
incoming = called_with(expose(api))
tell(flow="called", claims=claims(incoming), api=api.app_id)

early = api.with_secret().acquire_token_on_behalf_of(incoming, ["User.Read"])
tell(flow="no consent", error=early.get("error"), suberror=early.get("suberror"), codes=early.get("error_codes"))

consent(api.app_id, GRAPH_APP, "User.Read Mail.ReadBasic")
# MSAL remembers that it was told to ask the person, and would not ask the sandbox again.
tier = api.with_secret()
acting = tier.acquire_token_on_behalf_of(incoming, ["User.Read"])
access = token(acting)
tell(flow="acting", claims=claims(access), id_token=acting["id_token_claims"], me=graph(access, "GET", "/me"))

(account,) = tier.get_accounts()
silent = tier.acquire_token_silent(["Mail.ReadBasic"], account)
tell(flow="silent", source=silent.get("token_source"), claims=claims(token(silent)))

other = Registration("Another tier").with_secret().acquire_token_on_behalf_of(incoming, ["User.Read"])
tell(flow="not for it", error=other.get("error"), codes=other.get("error_codes"))

blueprint = Blueprint()
agent = blueprint.agent_identity()
consent(agent, GRAPH_APP, "User.Read")
incoming = called_with(expose(blueprint))
t1 = token(
    confidential(blueprint.app_id, blueprint.certificate.credential()).acquire_token_for_client(EXCHANGE, fmi_path=agent)
)
as_agent = confidential(agent, {"client_assertion": t1})
access = token(as_agent.acquire_token_on_behalf_of(incoming, ["User.Read"]))
tell(
    flow="agent", called=claims(incoming), claims=claims(access), me=graph(access, "GET", "/me"),
    agent=agent, blueprint=blueprint.app_id,
)

"""The three hops to an agent user's token, by certificate and by secret, by object id and by name, and silently
from the first one's refresh token; then the agent user posts in Teams under its own name. The last hop is also asked for another identity's user."""

from identity import Blueprint, confidential
from sandbox import EXCHANGE, GRAPH, SPONSOR, URL, claims, graph, tell, token

blueprint = Blueprint()
agent = blueprint.agent_identity()
user, upn = blueprint.agent_user(agent)
tell(blueprint=blueprint.app_id, agent=agent, user=user)


def hops(credential, **who):
    t1 = token(confidential(blueprint.app_id, credential).acquire_token_for_client(EXCHANGE, fmi_path=agent))
    as_agent = confidential(agent, {"client_assertion": t1})
    t2 = token(as_agent.acquire_token_for_client(EXCHANGE))
    return as_agent, t1, t2, as_agent.acquire_token_by_user_federated_identity_credential(GRAPH, t2, **who)


as_agent, t1, t2, answer = hops(blueprint.certificate.credential(), user_object_id=user)
own = token(answer)
tell(flow="certificate", t1=claims(t1), t2=claims(t2), own=claims(own), me=graph(own, "GET", "/me"))

(account,) = as_agent.get_accounts()
cached = as_agent.acquire_token_silent(GRAPH, account)
refreshed = as_agent.acquire_token_silent(GRAPH, account, force_refresh=True)
renewed = token(refreshed)
tell(
    flow="silent", username=account["username"], cached=token(cached) == own, renewed=renewed != own,
    own=claims(renewed), me=graph(renewed, "GET", "/me"),
)

*_, by_name = hops(blueprint.secret(), username=upn)
tell(flow="secret", own=claims(token(by_name)))

autonomous = token(confidential(agent, {"client_assertion": t1}).acquire_token_for_client(GRAPH))
tell(flow="autonomous", own=claims(autonomous))

member = "#microsoft.graph.aadUserConversationMember"
chat = graph(
    own,
    "POST",
    "/chats",
    {
        "chatType": "oneOnOne",
        "members": [
            {"@odata.type": member, "roles": ["owner"], "user@odata.bind": f"{URL}/v1.0/users('{one}')"}
            for one in (user, SPONSOR["id"])
        ],
    },
)["id"]
sent = graph(own, "POST", f"/chats/{chat}/messages", {"body": {"content": "Good morning."}})["id"]
read = graph(own, "GET", f"/chats/{chat}/messages")["value"]
tell(flow="message", sent=sent, read=[one for one in read if one["id"] == sent])

*_, strange = hops(blueprint.certificate.credential(), user_object_id=SPONSOR["id"])
tell(flow="another's user", error=strange.get("error"), token="access_token" in strange)

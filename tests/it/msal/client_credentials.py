"""Client credentials: by secret, by a wrong secret, and by certificate in both of MSAL's ways."""

from identity import Blueprint, Certificate, confidential
from sandbox import GRAPH, PROVISIONER, claims, graph, tell, token

by_secret = token(confidential(PROVISIONER["client_id"], PROVISIONER["client_secret"]).acquire_token_for_client(GRAPH))
tell(
    flow="secret",
    claims=claims(by_secret),
    users=[user["userPrincipalName"] for user in graph(by_secret, "GET", "/users")["value"]],
)

azure = token(
    confidential(PROVISIONER["client_id"], PROVISIONER["client_secret"]).acquire_token_for_client(
        ["https://management.azure.com/.default"]
    )
)
tell(flow="Azure", claims=claims(azure))

wrong = confidential(PROVISIONER["client_id"], "wrong").acquire_token_for_client(GRAPH)
tell(flow="wrong secret", error=wrong.get("error"), codes=wrong.get("error_codes"), token="access_token" in wrong)

blueprint = Blueprint()
for flow, credential in [
    ("PS256", blueprint.certificate.credential()),
    ("RS256", blueprint.certificate.thumbprint_credential()),
]:
    own = token(confidential(blueprint.app_id, credential).acquire_token_for_client(GRAPH))
    tell(flow=flow, claims=claims(own), blueprint=blueprint.app_id, principal=blueprint.principal)

stranger = confidential(blueprint.app_id, Certificate("stranger").credential()).acquire_token_for_client(GRAPH)
tell(flow="strange certificate", error=stranger.get("error"), codes=stranger.get("error_codes"), token="access_token" in stranger)

"""MSAL with its defaults, instance discovery included, against Microsoft's own names."""

import msal

from sandbox import GRAPH, PROVISIONER, TENANT, by_microsofts_names, claims, graph, tell, token

by_microsofts_names()
app = msal.ConfidentialClientApplication(
    PROVISIONER["client_id"],
    client_credential=PROVISIONER["client_secret"],
    authority=f"https://login.microsoftonline.com/{TENANT}",
)
access = token(app.acquire_token_for_client(GRAPH))
answer = graph(access, "GET", "/users?$top=1", base="https://graph.microsoft.com")
tell(claims=claims(access), context=answer["@odata.context"], next=answer.get("@odata.nextLink"))

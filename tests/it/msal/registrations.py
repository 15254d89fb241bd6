"""Applications registered through Graph, as the portal does it: with a secret, a principal, and an API of their
own where one is wanted."""

import functools
import uuid

from identity import GRAPH_APP, confidential
from sandbox import CLIENT, GRAPH, PROVISIONER, graph, token

ROLES = ["Application.ReadWrite.All", "User.ReadWrite.All", "User.RevokeSessions.All"]


def principal_of(admin, app_id):
    return graph(admin, "GET", f"/servicePrincipals(appId='{app_id}')")


@functools.cache
def registrar():
    """A token that may register applications: the provisioner gives itself the roles first."""
    credentials = PROVISIONER["client_id"], PROVISIONER["client_secret"]
    admin = token(confidential(*credentials).acquire_token_for_client(GRAPH))
    own, publisher = principal_of(admin, PROVISIONER["client_id"]), principal_of(admin, GRAPH_APP)
    for role in [one["id"] for one in publisher["appRoles"] if one["value"] in ROLES]:
        assignment = {"principalId": own["id"], "resourceId": publisher["id"], "appRoleId": role}
        graph(admin, "POST", f"/servicePrincipals/{own['id']}/appRoleAssignments", assignment)
    return token(confidential(*credentials).acquire_token_for_client(GRAPH))


def consent(client, resource, scope):
    """Consents to a scope for everybody."""
    admin = registrar()
    ids = {"clientId": principal_of(admin, client)["id"], "resourceId": principal_of(admin, resource)["id"]}
    graph(admin, "POST", "/oauth2PermissionGrants", {**ids, "consentType": "AllPrincipals", "scope": scope})


def expose(app, client=CLIENT):
    """Publishes an API of an application's with one scope, to which a client has everybody's consent; the scope's
    name."""
    scope = {
        "id": str(uuid.uuid4()),
        "value": "access",
        "type": "User",
        "isEnabled": True,
        "adminConsentDisplayName": "Access",
        "adminConsentDescription": "Access",
    }
    api = {"requestedAccessTokenVersion": 2, "oauth2PermissionScopes": [scope]}
    patch = {"identifierUris": [f"api://{app.app_id}"], "api": api}
    graph(registrar(), "PATCH", f"/applications/{app.object_id}", patch)
    consent(client, app.app_id, "access")
    return f"api://{app.app_id}/access"


class Registration:
    """An application with its principal; `values` are Graph's own."""

    def __init__(self, name, **values):
        made = graph(registrar(), "POST", "/applications", {"displayName": name, **values})
        self.app_id, self.object_id = made["appId"], made["id"]
        graph(registrar(), "POST", "/servicePrincipals", {"appId": self.app_id})

    def change(self, **values):
        graph(registrar(), "PATCH", f"/applications/{self.object_id}", values)

    def add(self, what, value):
        return graph(registrar(), "POST", f"/applications/{self.object_id}/{what}", value)

    def secret(self):
        return self.add("addPassword", {"passwordCredential": {}})["secretText"]

    def with_secret(self, **named):
        """MSAL's client of it."""
        return confidential(self.app_id, self.secret(), **named)

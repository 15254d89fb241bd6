"""An agent's identity, made through Graph in the way that Entra documents, with certificates made here."""

import base64
import datetime

import msal
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from sandbox import AUTHORITY, GRAPH, PROVISIONER, READY, SPONSOR, URL, graph, token

GRAPH_APP = "00000003-0000-0000-c000-000000000000"
SCOPES = "Chat.Create Chat.ReadWrite ChatMessage.Send User.Read"


def confidential(client_id, credential, **named):
    return msal.ConfidentialClientApplication(
        client_id, client_credential=credential, **{"authority": AUTHORITY, "instance_discovery": False, **named}
    )


class Certificate:
    """A self-signed certificate and its key."""

    def __init__(self, name):
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        now = datetime.datetime.now(datetime.timezone.utc)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(minutes=5))
            .not_valid_after(now + datetime.timedelta(days=30))
        )
        self.certificate = builder.sign(self.key, hashes.SHA256())

    def key_pem(self):
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()

    def credential(self):
        """What MSAL signs with PS256 and names by x5t#S256."""
        pem = self.certificate.public_bytes(serialization.Encoding.PEM).decode()
        return {"private_key": self.key_pem(), "public_certificate": pem}

    def thumbprint_credential(self):
        """What MSAL signs with RS256 and names by x5t."""
        thumbprint = self.certificate.fingerprint(hashes.SHA1()).hex().upper()
        return {"private_key": self.key_pem(), "thumbprint": thumbprint}

    def key_credential(self):
        der = self.certificate.public_bytes(serialization.Encoding.DER)
        return {"type": "AsymmetricX509Cert", "usage": "Verify", "key": base64.b64encode(der).decode()}


class Blueprint:
    """A blueprint with its principal and a certificate."""

    def __init__(self, base=URL):
        self.admin = token(confidential(PROVISIONER["client_id"], PROVISIONER["client_secret"]).acquire_token_for_client(GRAPH))
        self.sponsors = [f"{base}/v1.0/users/{SPONSOR['id']}"]
        blueprint = graph(
            self.admin,
            "POST",
            "/applications/microsoft.graph.agentIdentityBlueprint",
            {"displayName": "Interop blueprint", "sponsors@odata.bind": self.sponsors},
        )
        self.app_id = blueprint["appId"]
        self.object_id = blueprint["id"]
        self.principal = graph(
            self.admin,
            "POST",
            "/servicePrincipals/microsoft.graph.agentIdentityBlueprintPrincipal",
            {"appId": self.app_id},
        )["id"]
        self.certificate = Certificate("interop")
        graph(
            self.admin,
            "PATCH",
            f"/applications/{self.object_id}",
            {"keyCredentials": [self.certificate.key_credential()]},
        )

    def secret(self):
        """A new client secret."""
        added = graph(self.admin, "POST", f"/applications/{self.object_id}/addPassword", {"passwordCredential": {}})
        return added["secretText"]

    def agent_identity(self):
        """A child, made by the blueprint itself, which may do so because it is the blueprint."""
        own = token(confidential(self.app_id, self.certificate.credential()).acquire_token_for_client(GRAPH))
        return graph(
            own,
            "POST",
            "/servicePrincipals/microsoft.graph.agentIdentity",
            {"displayName": "Interop agent", "agentIdentityBlueprintId": self.app_id, "sponsors@odata.bind": self.sponsors},
        )["id"]

    def agent_user(self, agent_identity):
        """The agent identity's user, licensed for Teams, with consent for what it will do."""
        upn = f"interop.agent@{READY['domain']}"
        user = graph(
            self.admin,
            "POST",
            "/users/microsoft.graph.agentUser",
            {
                "accountEnabled": True,
                "displayName": "Interop agent",
                "mailNickname": "interop.agent",
                "userPrincipalName": upn,
                "identityParentId": agent_identity,
            },
        )["id"]
        graph(self.admin, "PATCH", f"/users/{user}", {"usageLocation": "DE"})
        skus = graph(self.admin, "GET", "/subscribedSkus")["value"]
        brings_teams = [sku for sku in skus if any(plan["servicePlanName"].startswith("TEAMS") for plan in sku["servicePlans"])]
        graph(
            self.admin,
            "POST",
            f"/users/{user}/assignLicense",
            {"addLicenses": [{"skuId": brings_teams[0]["skuId"], "disabledPlans": []}], "removeLicenses": []},
        )
        resource = graph(self.admin, "GET", f"/servicePrincipals?$filter=appId eq '{GRAPH_APP}'")["value"][0]["id"]
        graph(
            self.admin,
            "POST",
            "/oauth2PermissionGrants",
            {"clientId": agent_identity, "consentType": "AllPrincipals", "resourceId": resource, "scope": SCOPES},
        )
        return user, upn

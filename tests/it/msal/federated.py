"""A workload's own identity: the assertion is a token of a foreign OpenID Connect issuer, which the application
names as a federated credential; then assertions that it does not name."""

import time

import jwt
import requests
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from identity import confidential
from registrations import Registration
from sandbox import GRAPH, READY, URL, claims, tell, token

NAMED = {
    "issuer": "https://issuer.example/",
    "subject": "system:serviceaccount:agents:worker",
    "audiences": ["api://AzureADTokenExchange"],
}


class Issuer:
    """A key, and the tokens that are signed with it."""

    def __init__(self):
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def is_known(self):
        """Tells the sandbox the keys that discovery would give it."""
        public = RSAAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        keys = {"keys": [{**public, "kid": "one", "use": "sig", "alg": "RS256"}]}
        control = {"Authorization": f"Bearer {READY['control_token']}"}
        told = {"issuer": NAMED["issuer"], "jwks": keys}
        requests.post(f"{URL}/_sandbox/issuers", json=told, headers=control, timeout=60).raise_for_status()

    def token(self, **changed):
        now = int(time.time())
        named = {"iss": NAMED["issuer"], "sub": NAMED["subject"], "aud": NAMED["audiences"][0]}
        return jwt.encode(
            {**named, "nbf": now, "iat": now, "exp": now + 600, **changed}, self.key, "RS256", headers={"kid": "one"}
        )


issuer = Issuer()
issuer.is_known()
workload = Registration("Workload")
workload.add("federatedIdentityCredentials", {"name": "worker", **NAMED})


def ask(assertion):
    return confidential(workload.app_id, {"client_assertion": assertion}).acquire_token_for_client(GRAPH)


tell(flow="token", claims=claims(token(ask(issuer.token()))), app=workload.app_id)
# MSAL calls for an assertion when it needs one.
tell(flow="callback", claims=claims(token(ask(issuer.token))), app=workload.app_id)

for flow, assertion in [
    ("issuer", issuer.token(iss="https://issuer.example")),
    ("subject", issuer.token(sub="system:serviceaccount:agents:other")),
    ("audience", issuer.token(aud="api://another")),
    ("signature", Issuer().token()),
    ("expired", issuer.token(exp=int(time.time()) - 600)),
]:
    refused = ask(assertion)
    tell(flow=flow, error=refused.get("error"), codes=refused.get("error_codes"), token="access_token" in refused)

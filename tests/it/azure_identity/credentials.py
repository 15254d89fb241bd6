"""azure-identity as it comes from PyPI: certificates in each form that it reads, and the two credentials that a
person answers. What is not azure-identity's own stands beside the scripts of MSAL."""

import webbrowser

from azure.core.exceptions import ClientAuthenticationError
from azure.identity import CertificateCredential, DeviceCodeCredential, InteractiveBrowserCredential
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12

from identity import Certificate
from registrations import Registration
from sandbox import CLIENT, GRAPH, TENANT, URL, claims, graph, hear, tell

HERE = {"authority": URL, "disable_instance_discovery": True}


def pem(certificate):
    return "".join(certificate.credential().values()).encode()


def pfx(certificate):
    named = certificate.certificate, None, BestAvailableEncryption(b"secret")
    return pkcs12.serialize_key_and_certificates(b"worker", certificate.key, *named)


certificate = Certificate("worker")
daemon = Registration("Daemon")
daemon.change(keyCredentials=[certificate.key_credential()])
for flow, given in [
    ("PEM", {"certificate_data": pem(certificate)}),
    ("PFX", {"certificate_data": pfx(certificate), "password": "secret", "send_certificate_chain": True}),
]:
    got = CertificateCredential(TENANT, daemon.app_id, **given, **HERE).get_token(*GRAPH)
    tell(flow=flow, claims=claims(got.token), app=daemon.app_id)

stranger = CertificateCredential(TENANT, daemon.app_id, certificate_data=pem(Certificate("stranger")), **HERE)
try:
    tell(flow="stranger", token=bool(stranger.get_token(*GRAPH)))
except ClientAuthenticationError as error:
    tell(flow="stranger", error=error.message)


def told(verification_uri, user_code, _):
    """The code is entered before the credential asks for the first time, so that it need not wait."""
    tell(verification_uri=verification_uri, user_code=user_code)
    hear()


class Browser(webbrowser.BaseBrowser):
    """The test's browser, which the credential opens as it would any other."""

    def open(self, url, *_):
        tell(open=url)
        return True


webbrowser.register("test", None, Browser("test"), preferred=True)
for flow, credential in [
    ("device code", DeviceCodeCredential(CLIENT, tenant_id=TENANT, prompt_callback=told, **HERE)),
    ("browser", InteractiveBrowserCredential(client_id=CLIENT, tenant_id=TENANT, timeout=30, **HERE)),
]:
    record = credential.authenticate(scopes=["https://graph.microsoft.com/User.Read"])
    silent = credential.get_token("https://graph.microsoft.com/Chat.Read")
    tell(
        flow=flow, username=record.username, account=record.home_account_id, claims=claims(silent.token),
        me=graph(silent.token, "GET", "/me"),
    )

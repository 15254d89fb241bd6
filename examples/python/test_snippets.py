"""How Microsoft's libraries for Python are pointed at the sandbox. Each test is a snippet to copy."""

import subprocess

import msal
import requests
from azure.identity import ClientSecretCredential, EnvironmentCredential

GRAPH = "https://graph.microsoft.com/.default"


def users(tenant, token):
    answer = requests.get(f"{tenant.url}/v1.0/users", headers={"Authorization": f"Bearer {token}"}, timeout=30)
    answer.raise_for_status()
    return {user["id"] for user in answer.json()["value"]}


def everybody(tenant):
    return {user["id"] for user in tenant.users}


def test_msal(tenant_environ):
    tenant = tenant_environ
    app = msal.ConfidentialClientApplication(
        tenant.provisioner["client_id"],
        client_credential=tenant.provisioner["client_secret"],
        authority=tenant.authority,
        # MSAL would ask login.microsoftonline.com whether it may trust this authority.
        instance_discovery=False,
    )
    result = app.acquire_token_for_client([GRAPH])
    assert users(tenant, result["access_token"]) == everybody(tenant)


def test_azure_identity_takes_everything_from_the_environment(tenant_environ):
    tenant = tenant_environ
    # AZURE_AUTHORITY_HOST, AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET are set.
    credential = EnvironmentCredential(disable_instance_discovery=True)
    assert users(tenant, credential.get_token(GRAPH).token) == everybody(tenant)


def test_azure_identity_by_hand(tenant_environ):
    tenant = tenant_environ
    credential = ClientSecretCredential(
        tenant.id,
        tenant.provisioner["client_id"],
        tenant.provisioner["client_secret"],
        authority=tenant.url,
        disable_instance_discovery=True,
    )
    assert users(tenant, credential.get_token(GRAPH).token) == everybody(tenant)


def test_curl(tenant_environ):
    tenant = tenant_environ
    # CURL_CA_BUNDLE is set.
    line = ["curl", "--silent", "--show-error", "--fail", f"{tenant.url}/v1.0/users"]
    line += ["--header", f"Authorization: Bearer {tenant.app_token()}"]
    said = subprocess.run(line, capture_output=True, text=True, check=True)
    assert all(user["upn"] in said.stdout for user in tenant.users)

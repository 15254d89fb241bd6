"""How Microsoft's Graph SDK for Python is pointed at the sandbox. Run it under `attache sandbox exec`."""

import asyncio
import os
import ssl

import httpx
from azure.identity import EnvironmentCredential
from kiota_authentication_azure.azure_identity_authentication_provider import AzureIdentityAuthenticationProvider
from msgraph import GraphServiceClient
from msgraph.graph_request_adapter import GraphRequestAdapter, options
from msgraph_core import GraphClientFactory


def sandbox_client():
    """A client that is what `GraphServiceClient(credential)` would be, but for where it looks for Graph."""
    url = os.environ["ATTACHE_SANDBOX_URL"]
    # AZURE_AUTHORITY_HOST, AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET are set.
    credential = EnvironmentCredential(disable_instance_discovery=True)
    trust = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])
    http = GraphClientFactory.create_with_default_middleware(client=httpx.AsyncClient(verify=trust), options=options)
    # The SDK sends its token to Microsoft's hosts only, unless others are named.
    hosts = ["localhost", url.removeprefix("https://")]
    provider = AzureIdentityAuthenticationProvider(
        credential, scopes=["https://graph.microsoft.com/.default"], allowed_hosts=hosts
    )
    adapter = GraphRequestAdapter(provider, client=http)
    adapter.base_url = f"{url}/v1.0"
    return GraphServiceClient(request_adapter=adapter)


async def main():
    page = await sandbox_client().users.get()
    for user in page.value:
        print(user.user_principal_name)


if __name__ == "__main__":
    asyncio.run(main())

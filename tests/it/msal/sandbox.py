"""What the scripts beside this one share.

They use MSAL as it comes from PyPI. $SANDBOX holds the line that `attache sandbox --json` prints first. They
speak one JSON object a line with the test that runs them.
"""

import base64
import json
import os
import socket
import sys
from urllib.parse import urlsplit

import requests

READY = json.loads(os.environ["SANDBOX"])
URL = READY["url"]
TENANT = READY["tenant_id"]
AUTHORITY = f"{URL}/{TENANT}"
PROVISIONER = READY["apps"]["provisioner"]
CLIENT = READY["apps"]["client"]["client_id"]
SPONSOR = READY["users"][0]
GRAPH = ["https://graph.microsoft.com/.default"]
EXCHANGE = ["api://AzureADTokenExchange/.default"]


def tell(**said):
    print(json.dumps(said), flush=True)


def hear():
    return json.loads(sys.stdin.readline())


def redirected(flow):
    """What the redirect of an authorization code flow brings, once the test has signed in."""
    tell(open=flow["auth_uri"])
    return hear()


def token(result):
    """The access token of an answer, or the error as the server worded it."""
    if "access_token" not in result:
        raise SystemExit(f"no token: {json.dumps(result, indent=1)}")
    return result["access_token"]


def claims(jwt):
    payload = jwt.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


def graph(access_token, method, path, body=None, base=URL):
    """One call; the answer's body, or an end that shows what went wrong."""
    headers = {"Authorization": f"Bearer {access_token}", "OData-Version": "4.0"}
    answer = requests.request(method, f"{base}/v1.0{path}", json=body, headers=headers, timeout=60)
    if not answer.ok:
        raise SystemExit(f"{method} {path}: {answer.status_code} {answer.text}")
    return answer.json() if answer.content else None


def by_microsofts_names():
    """Resolves Microsoft's names to the sandbox, as a hosts file and a listener on port 443 would."""
    names = {"login.microsoftonline.com", "graph.microsoft.com"}
    port = urlsplit(URL).port
    resolve = socket.getaddrinfo

    def mapped(host, asked, *rest, **named):
        if host in names:
            return resolve("127.0.0.1", port, *rest, **named)
        return resolve(host, asked, *rest, **named)

    socket.getaddrinfo = mapped

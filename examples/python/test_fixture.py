"""What the fixtures promise: every test has a tenant of its own, with people, applications and tokens."""

import pytest
from attache_sandbox import Refused


def test_an_application_reads_the_directory(tenant):
    users = tenant.graph("GET", "/users", tenant.app_token())["value"]
    assert {user["userPrincipalName"] for user in users} == {user["upn"] for user in tenant.users}


def test_a_person_signs_in(tenant):
    me = tenant.graph("GET", "/me", tenant.user_token("User.Read", user=1))
    assert me["id"] == tenant.users[1]["id"]


def test_what_one_test_writes_no_other_sees(tenant, sandbox):
    chat = {"chatType": "group", "topic": "ours", "members": [_member(tenant, user) for user in tenant.users]}
    tenant.graph("POST", "/chats", tenant.user_token("Chat.Create"), chat)
    assert tenant.id != sandbox.id
    elsewhere = sandbox.graph("GET", "/me/chats", sandbox.user_token("Chat.ReadWrite"))["value"]
    assert "ours" not in {chat["topic"] for chat in elsewhere}


def test_a_fault_is_the_tenants_own(tenant, sandbox):
    fault = {"path": "/v1.0/users", "effect": {"kind": "answer", "status": 503}}
    tenant.control("POST", "faults", fault)
    with pytest.raises(Refused) as refused:
        tenant.graph("GET", "/users", tenant.app_token())
    assert refused.value.status == 503
    assert sandbox.graph("GET", "/users", sandbox.app_token())["value"]


def test_time_passes_when_the_test_says_so(tenant):
    token = tenant.app_token()
    tenant.control("POST", "clock", {"advance_seconds": 2 * 3600})
    with pytest.raises(Refused) as refused:
        tenant.graph("GET", "/users", token)
    assert refused.value.status == 401


def _member(tenant, user):
    kind = "#microsoft.graph.aadUserConversationMember"
    bind = f"{tenant.url}/v1.0/users('{user['id']}')"
    return {"@odata.type": kind, "roles": ["owner"], "user@odata.bind": bind}

"""The named assumptions of the account: listed, set, and refused where they cannot be."""

from __future__ import annotations

import dataclasses
import json
import re

import httpx
import pytest

from ac_tools.sandbox import Clock, Sandbox, Settings

KEY = {"Api-Token": "sandbox"}
AREAS = ("Requests and pages", "People and imports", "Lists, tags and fields", "Automations, deals and companies")
FIELDS = {field.name: field for field in dataclasses.fields(Settings)}


def ask(method: str, path: str, *, headers=KEY, body: bytes = b"", limit=None, **settings):
    """One request to a fresh account with these settings."""
    sandbox = Sandbox(empty=True, settings=Settings(**settings), clock=Clock(start=0), limit=limit)
    return sandbox.handle(method, f"/api/3{path}", headers, body)


def test_everything_is_listed(cli):
    """Each assumption has a name, a default, what it decides and why; the fixed ones are marked."""
    rows = json.loads(cli("sandbox", "assumptions", "--json").stdout)
    assert [row["name"] for row in rows] == list(FIELDS)
    assert all(set(row) == {"name", "area", "default", "decides", "why", "allowed", "fixed"} for row in rows)
    assert all(row["decides"].endswith(".") and row["why"].endswith(".") for row in rows)
    assert {row["name"] for row in rows if row["fixed"]} == {name for name, field in FIELDS.items() if not field.init}
    assert all(row["default"] == getattr(Settings(), row["name"]) for row in rows)
    [key] = [row for row in rows if row["name"] == "unauthorized_status"]
    assert (key["default"], key["allowed"], key["fixed"]) == (401, [401, 403], False)


def test_the_table_fits_a_hundred_columns(cli):
    """Nothing is cut off or broken in the middle of a name, and the fixed ones stand apart."""
    text = cli("sandbox", "assumptions", env={"COLUMNS": "100"}).stdout
    assert max(map(len, text.splitlines())) <= 100
    assert all(re.search(rf"^ ?{name}\b", text, re.MULTILINE) for name in FIELDS)
    changeable, fixed = text.split("Fixed", maxsplit=1)
    assert "unauthorized_status" in changeable
    assert "campaign_created" in fixed
    assert [line for line in changeable.splitlines() if line in AREAS] == list(AREAS)


@pytest.mark.parametrize("name", [name for name, field in FIELDS.items() if not field.init])
def test_fixed_assumptions_cannot_be_set(cli, name):
    """A fixed assumption is told to be one, and cannot be set in Python either."""
    result = cli("sandbox", "serve", "--set", f"{name}=x")
    assert result.exit_code == 2
    assert f"{name} is fixed" in result.output
    with pytest.raises(TypeError):
        Settings(**{name: "x"})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("unauthorised_status=403", "Did you mean unauthorized_status?"),
        ("nothing", "name=value"),
        ("=403", "name=value"),
        ("unauthorized_status=402", "The nearest is 401 or 403."),
        ("unauthorized_status=499", "The nearest is 403."),
        ("unauthorized_status=no", "is 401 or 403"),
        ("unauthorized_status=", "is 401 or 403"),
        ("deals_survive_contact=perhaps", "is true or false"),
        ("tags_limit=101", "The nearest is 100."),
        ("tags_limit=0", "The nearest is 1."),
        ("import_seconds=-1", "The nearest is 0."),
        ("import_seconds=nan", "is a number from 0 to"),
        ("timezone=Europe/Berlinn", "The nearest is Europe/Berlin."),
        ("timezone=../etc/passwd", "time zone"),
        ("limit_above_100=caps", "The nearest is cap."),
        ("resubscribe=with_sourceid", "The nearest is with_sourceid_4."),
        ("resubscribe=maybe", "is allowed, unless_bounced, with_sourceid_4 or refused."),
        ("email_case=lower", "The nearest is lowered."),
        ("tag_with_comma=404", "is 201, 400 or 422. The nearest is 400."),
        ("sync_keeps=blank", "is true or false"),
        ("delete_quota=-1", "The nearest is 0."),
        ("resubscribed=refused", "Did you mean resubscribe?"),
        ("rate_limit_retry_after=a\nb", "one line"),
    ],
)
def test_a_wrong_setting_is_told_with_the_nearest_right_one(cli, text, says):
    """A wrong name or value ends the command with 2 and names the rule and the nearest valid one."""
    result = cli("sandbox", "serve", "--set", text)
    assert result.exit_code == 2
    assert says in result.output
    assert "Traceback" not in result.output


def test_python_refuses_the_same_values():
    """What --set refuses cannot be made in Python either."""
    with pytest.raises(ValueError, match="The nearest is 401 or 403"):
        Settings(unauthorized_status=402)
    with pytest.raises(ValueError, match="deals_survive_contact"):
        Settings(deals_survive_contact="no")


def test_settings_are_set_when_serving(started):
    """--set changes the account that is served, and the control path orders failures of it."""
    process = started("sandbox", "serve", "--set", "unauthorized_status=403", "--set", "deals_survive_contact=false")
    url = process.stdout.readline().split()[0]
    assert httpx.get(f"{url}/api/3/users/me").status_code == 403
    assert httpx.post(f"{url}/__sandbox/faults", json={"method": "*", "path": "*", "status": 502}).status_code == 201
    assert httpx.get(f"{url}/api/3/users/me", headers=KEY).status_code == 502
    assert httpx.get(f"{url}/api/3/users/me", headers=KEY).status_code == 200


def test_what_may_hurt_somebody_can_be_set_when_serving(started):
    """Whether who opted out can be brought back, and more, is chosen for the account that is served."""
    texts = ("resubscribe=with_sourceid_4", "deal_refusal=400", "sync_keeps=no", "filters_together=or")
    process = started("sandbox", "serve", "--limit", "0", *(word for text in texts for word in ("--set", text)))
    url = process.stdout.readline().split()[0]
    with httpx.Client(base_url=f"{url}/api/3", headers=KEY) as client:
        person = client.get("/contacts?status=2&limit=1").json()["contacts"][0]["id"]
        rows = client.get(f"/contacts/{person}/contactLists").json()["contactLists"]
        left = next(row["list"] for row in rows if row["status"] == "2")
        back = {"contact": person, "list": left, "status": 1}
        assert client.post("/contactLists", json={"contactList": back}).status_code == 422
        assert client.post("/contactLists", json={"contactList": {**back, "sourceid": 4}}).status_code == 201
        assert client.post("/deals", json={"deal": {}}).status_code == 400


@pytest.mark.parametrize("headers", [{}, {"Api-Token": "wrong"}])
def test_a_missing_or_wrong_key(headers):
    """401 by default, 403 by setting, with one of three bodies."""
    assert ask("GET", "/tags", headers=headers).status == 401
    assert ask("GET", "/tags", headers=headers, unauthorized_status=403).status == 403
    bodies = [
        ask("GET", "/tags", headers=headers, unauthorized_body=body).body for body in ("message", "errors", "empty")
    ]
    assert bodies[0] == b'{"message":"Forbidden"}'
    assert json.loads(bodies[1])["errors"][0]["status"] == 401
    assert bodies[2] == b""


@pytest.mark.parametrize(
    ("method", "path", "body", "setting", "default", "other"),
    [
        ("GET", "/nowhere", b"", "unknown_path_status", 404, 403),
        ("PATCH", "/tags", b"", "wrong_method_status", 405, 404),
        ("POST", "/tags", b"{", "malformed_json_status", 400, 500),
    ],
)
def test_statuses_of_what_cannot_be_read(method, path, body, setting, default, other):
    """Unknown paths, wrong methods and broken JSON have their documented default and can have another."""
    assert ask(method, path, body=body).status == default
    assert ask(method, path, body=body, **{setting: other}).status == other


def test_limits_above_a_hundred():
    """More rows than a hundred are cut down in silence, or refused; contacts' runs may be asked for by the thousand."""
    assert ask("GET", "/contacts?limit=101").status == 200
    assert ask("GET", "/contacts?limit=101", limit_above_100="refuse").status == 422
    assert ask("GET", "/contacts?limit=100", limit_above_100="refuse").status == 200
    assert ask("GET", "/contacts/1/contactAutomations?limit=1000", limit_above_100="refuse").status == 404


def test_how_the_rate_limit_is_told():
    """The refusal's status and Retry-After, and whether answers tell the limit, are settings."""

    def second(**settings):
        sandbox = Sandbox(empty=True, limit=1, settings=Settings(**settings))
        return [sandbox.handle("GET", "/api/3/tags", KEY, b"") for _ in range(2)][1]

    assert (second().status, second().headers["Retry-After"]) == (429, "1")
    assert "RateLimit-Limit" in second().headers
    assert second(rate_limit_status=503).status == 503
    assert second(rate_limit_retry_after="soon").headers["Retry-After"] == "soon"
    assert "Retry-After" not in second(rate_limit_retry_after="").headers
    assert "RateLimit-Limit" not in second(rate_limit_headers=False).headers


def test_bodies_of_ordered_refusals():
    """The bodies of ordered 402 and 403 are settings, for nobody recorded them."""

    def body(status, **settings):
        sandbox = Sandbox(empty=True, settings=Settings(**settings))
        sandbox.fault("GET", "/deals", status=status)
        return sandbox.handle("GET", "/api/3/deals", KEY, b"").body

    assert body(402) == b""
    assert body(402, payment_required_body="message") == b'{"message":"Payment Required"}'
    assert body(403) == b'{"message":"Forbidden"}'
    assert json.loads(body(403, forbidden_body="errors"))["errors"][0]["title"] == "Forbidden"


FIXED = {
    "campaign_created": ("POST", "/campaign", {"name": "Spring", "type": "single"}, 200, '"name":"Spring"'),
    "include_ignored": ("GET", "/contacts?include=contactTags", None, 200, '"contacts":'),
}


@pytest.mark.parametrize("name", FIXED)
def test_fixed_assumptions_are_as_they_are_told(name):
    """What is listed as fixed is what the account does."""
    method, path, body, status, part = FIXED[name]
    answer = Sandbox().handle(method, f"/api/3{path}", KEY, b"" if body is None else json.dumps(body).encode())
    assert name in FIELDS
    assert (answer.status, part in answer.body.decode()) == (status, True), answer.body

"""The named assumptions of the account: listed, set, and refused where they cannot be."""

from __future__ import annotations

import dataclasses
import json
import re

import httpx
import pytest

from ac_tools.sandbox import Clock, Sandbox, Settings

KEY = {"Api-Token": "sandbox"}
FIELDS = {field.name: field for field in dataclasses.fields(Settings)}


def ask(method: str, path: str, *, headers=KEY, body: bytes = b"", limit=None, **settings):
    """One request to a fresh account with these settings."""
    sandbox = Sandbox(empty=True, settings=Settings(**settings), clock=Clock(start=0), limit=limit)
    return sandbox.handle(method, f"/api/3{path}", headers, body)


def test_everything_is_listed(cli):
    """Each assumption has a name, a default, what it decides and why; the fixed ones are marked."""
    rows = json.loads(cli("sandbox", "assumptions", "--json").stdout)
    assert [row["name"] for row in rows] == list(FIELDS)
    assert all(set(row) == {"name", "default", "decides", "why", "allowed", "fixed"} for row in rows)
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
    assert "resubscribe" in fixed


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
    "resubscribe": (
        "POST",
        "/contactLists",
        {"contactList": {"list": 1, "contact": 59, "status": 1}},
        201,
        '"status":1',
    ),
    "campaign_created": ("POST", "/campaign", {"name": "Spring", "type": "single"}, 200, '"name":"Spring"'),
    "tag_with_comma": ("POST", "/tags", {"tag": {"tag": "a,b"}}, 422, "field_invalid"),
    "unknown_contact_or_tag": (
        "POST",
        "/contactTags",
        {"contactTag": {"contact": 46, "tag": 999}},
        404,
        "Tag not found",
    ),
    "deal_refusal": ("POST", "/deals", {"deal": {"title": "x"}}, 422, "field_missing"),
    "limit_below_1": ("GET", "/contacts?limit=-3", None, 200, '"limit":20'),
    "email_case": ("GET", "/contacts?email=MARIA@lindqvist-interiors.example", None, 200, '"total":"1"'),
    "field_option_paths": ("POST", "/fieldOptions/bulk", {"fieldOptions": []}, 422, "array of fieldOption"),
    "include_ignored": ("GET", "/contacts?include=contactTags", None, 200, '"contacts":'),
    "import_refusal": ("POST", "/import/bulk_import", {"contacts": []}, 400, "failureReasons"),
    "import_unknown_batch": ("GET", "/import/info?batchId=x", None, 200, '"status":false'),
}


@pytest.mark.parametrize("name", FIXED)
def test_fixed_assumptions_are_as_they_are_told(name):
    """What is listed as fixed is what the account does."""
    method, path, body, status, part = FIXED[name]
    answer = Sandbox().handle(method, f"/api/3{path}", KEY, b"" if body is None else json.dumps(body).encode())
    assert name in FIELDS
    assert (answer.status, part in answer.body.decode()) == (status, True), answer.body

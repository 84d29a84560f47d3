"""tap-activecampaign, a Singer tap that other people wrote, copies the served account out.

Its pins contradict ours, so it is a program in an environment of its own, found on the PATH or named by the variable
TAP_ACTIVECAMPAIGN. It insists on https and on a public address, so a proxy on loopback stands between: it says that it
is that address, ends TLS with a certificate made for the test, and passes the bytes on as they are.
"""

import asyncio
import json
import os
import shutil
import ssl
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn

import httpx
import pytest
from jsonschema import Draft4Validator

from ac_tools.sandbox import Clock, Sandbox, serve

HOST = "100.64.0.1"  # shared address space (RFC 6598): not private, and no host on the internet; nothing is sent there
START = 1_800_000_000.0  # in 2027, after everything in the believable data

# The tap's streams that the account can serve, each with the key of its records.
STREAMS = {
    "account_contacts": "accountContacts",
    "accounts": "accounts",
    "addresses": "addresses",
    "automations": "automations",
    "campaigns": "campaigns",
    "contact_automations": "contactAutomations",
    "contact_custom_field_options": "fieldOptions",
    "contact_custom_field_rels": "fieldRels",
    "contact_custom_field_values": "fieldValues",
    "contact_custom_fields": "fields",
    "contact_tags": "contactTags",
    "contacts": "contacts",
    "deal_custom_field_values": "dealCustomFieldData",
    "deal_custom_fields": "dealCustomFieldMeta",
    "deal_groups": "dealGroups",
    "deal_stages": "dealStages",
    "deals": "deals",
    "email_activities": "emailActivities",
    "groups": "groups",
    "lists": "lists",
    "messages": "messages",
    "segments": "segments",
    "tags": "tags",
    "task_types": "dealTasktypes",
    "tasks": "dealTasks",
    "templates": "templates",
    "users": "users",
    "webhooks": "webhooks",
}
BESIDE = {"fieldOptions": "fields", "fieldRels": "fields"}  # records that come in another kind's answer
# The tap leaves out what tells no time of its change: stages (recorded so), campaigns (documented so).
UNDATED = {"deal_stages", "campaigns"}
# One of each kind that the believable data lacks.
EXTRAS = {
    "addresses": {"address": {"companyName": "Oak & Linen", "address1": "Mill Lane 1", "country": "NO"}},
    "groups": {"group": {"title": "Sales"}},
    "webhooks": {"webhook": {"name": "Hook", "url": "https://a.example/", "events": ["sent"], "sources": ["public"]}},
    "dealTasktypes": {"dealTasktype": {"title": "Call"}},
    "dealTasks": {"dealTask": {"relid": "1", "dealTasktype": "1", "duedate": "2027-02-01T09:00:00-06:00"}},
    "dealCustomFieldMeta": {"dealCustomFieldMetum": {"fieldLabel": "Size", "fieldType": "text"}},
    "dealCustomFieldData": {"dealCustomFieldDatum": {"dealId": 1, "customFieldId": 1, "fieldValue": "big"}},
}
Record = dict[str, Any]


class Account:
    """The served account, asked over HTTP."""

    def __init__(self, sandbox: Sandbox, http: httpx.Client) -> None:
        self.sandbox = sandbox
        self.http = http

    def rows(self, kind: str) -> list[Record]:
        """All records of a kind, page by page."""
        rows: list[Record] = []
        while True:
            page = self.http.get(BESIDE.get(kind, kind), params={"limit": 100, "offset": len(rows)}).json()[kind]
            rows += page
            if len(page) < 100:
                return rows

    def send(self, method: str, path: str, body: Record) -> Record:
        """The answer to a change that must succeed."""
        answer: Record = self.http.request(method, path, json=body).raise_for_status().json()
        return answer


class Tap:
    """The tap's program with its files in a folder; it hears of nothing but this environment."""

    def __init__(self, program: str, folder: Path, environment: dict[str, str]) -> None:
        self._program = program
        self._folder = folder
        self._environment = environment

    async def discover(self) -> list[Record]:
        """The streams of its catalogue."""
        streams: list[Record] = json.loads(await self._run("--discover"))["streams"]
        return streams

    async def sync(self, *names: str, state: Record | None = None) -> list[Record]:
        """The messages of a run with these streams selected."""
        streams = await self.discover()
        for stream in streams:
            whole = next(each["metadata"] for each in stream["metadata"] if each["breadcrumb"] == [])
            whole["selected"] = stream["tap_stream_id"] in names
        options = ["--catalog", self.write("catalog.json", {"streams": streams})]
        if state is not None:
            options += ["--state", self.write("state.json", state)]
        return [json.loads(line) for line in (await self._run(*options)).splitlines()]

    def write(self, name: str, content: Record) -> str:
        """Writes one of its files and says where."""
        path = self._folder / name
        path.write_text(json.dumps(content), encoding="utf-8")
        return str(path)

    async def _run(self, *options: str) -> str:
        process = await asyncio.create_subprocess_exec(
            self._program,
            *("--config", str(self._folder / "config.json"), *options),
            env=self._environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, log = await process.communicate()
        assert process.returncode == 0, log.decode()[-2000:]
        return out.decode()


def lacking(reason: str) -> NoReturn:
    """Skips the test, unless nothing may be skipped."""
    if os.environ.get("AC_REQUIRE_ALL") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture
def program() -> str:
    """Where the tap is."""
    name = os.environ.get("TAP_ACTIVECAMPAIGN", "tap-activecampaign")
    return shutil.which(name) or lacking(f"{name} is not installed; it needs an environment of its own")


@pytest.fixture
def certified(tmp_path: Path) -> ssl.SSLContext:
    """TLS for HOST; who issued it is in ca.pem."""
    try:
        import trustme
    except ImportError:
        lacking("trustme is not installed (the extra 'clients' brings it)")
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(HOST).configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    return context


@pytest.fixture
def account() -> Iterator[Account]:
    """A served account with the believable data, at a moment that stands still."""
    sandbox = Sandbox(clock=Clock(START))
    headers = {"Api-Token": sandbox.key}
    with serve(sandbox) as server, httpx.Client(base_url=f"{server.url}/api/3/", headers=headers) as http:
        yield Account(sandbox, http)


@pytest.fixture
async def tap(program: str, account: Account, certified: ssl.SSLContext, tmp_path: Path) -> AsyncIterator[Tap]:
    """The tap, ready to run against the account."""
    there = account.http.base_url

    async def tunnel(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")  # CONNECT and its headers
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await writer.start_tls(certified)
        answers, requests = await asyncio.open_connection(there.host, there.port)
        await asyncio.gather(_pass_on(reader, requests), _pass_on(answers, writer))

    async with await asyncio.start_server(tunnel, "127.0.0.1") as proxy:
        port = proxy.sockets[0].getsockname()[1]
        environment = {"HTTPS_PROXY": f"http://127.0.0.1:{port}", "REQUESTS_CA_BUNDLE": str(tmp_path / "ca.pem")}
        tap = Tap(program, tmp_path, environment)
        config = {"api_url": f"https://{HOST}", "api_token": account.sandbox.key, "user_agent": "tests"}
        tap.write("config.json", {**config, "start_date": "2000-01-01T00:00:00Z"})
        yield tap


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
        await writer.drain()
    writer.close()


def copied(messages: list[Record]) -> dict[str, list[Record]]:
    """The records of each stream that was announced; each of them must fit its schema."""
    checks = {each["stream"]: Draft4Validator(each["schema"]) for each in messages if each["type"] == "SCHEMA"}
    records: dict[str, list[Record]] = {stream: [] for stream in checks}
    for each in messages:
        if each["type"] == "RECORD":
            checks[each["stream"]].validate(each["record"])
            records[each["stream"]].append(each["record"])
    return records


def ids(rows: list[Record]) -> list[int]:
    return sorted(int(row["id"]) for row in rows)


def last_state(messages: list[Record]) -> Record:
    state: Record = [each["value"] for each in messages if each["type"] == "STATE"][-1]
    return state


def changed(row: Record) -> datetime:
    return datetime.fromisoformat(row["udate"])


async def test_it_discovers_the_streams(tap: Tap) -> None:
    """The catalogue has every stream that the account can serve, each known by its id."""
    keys = {stream["tap_stream_id"]: stream["key_properties"] for stream in await tap.discover()}
    assert {name: keys.get(name) for name in STREAMS} == {name: ["id"] for name in STREAMS}


async def test_it_copies_the_whole_account(tap: Tap, account: Account) -> None:
    """Each record once, fitting the tap's schema, over all pages; and where to go on from."""
    for path, body in EXTRAS.items():
        account.send("POST", path, body)
    messages = await tap.sync(*STREAMS)
    records = copied(messages)
    there = {name: [] if name in UNDATED else account.rows(kind) for name, kind in STREAMS.items()}
    assert {name: ids(rows) for name, rows in records.items()} == {name: ids(rows) for name, rows in there.items()}
    emails = {int(row["id"]): row["email"] for row in there["contacts"]}
    assert {int(row["id"]): row["email"] for row in records["contacts"]} == emails
    newest = max(changed(row) for row in there["contacts"])
    assert datetime.fromisoformat(last_state(messages)["bookmarks"]["contacts"]) == newest


async def test_it_goes_on_from_its_state(tap: Tap, account: Account) -> None:
    """A second run brings what is new and what changed, besides what stood at the very moment of the bookmark."""
    rows = account.rows("contacts")
    newest = max(changed(row) for row in rows)
    again = [row for row in rows if changed(row) == newest]
    state = last_state(await tap.sync("contacts"))

    account.sandbox.clock.advance(60)
    oldest = min(rows, key=changed)
    account.send("PUT", f"contacts/{oldest['id']}", {"contact": {"phone": "+1 555 0100"}})
    made = account.send("POST", "contacts", {"contact": {"email": "zoe@new.example"}})["contact"]
    messages = await tap.sync("contacts", state=state)

    brought = copied(messages)["contacts"]
    assert ids(brought) == ids([*again, oldest, made])
    assert [row["phone"] for row in brought if int(row["id"]) == int(oldest["id"])] == ["+1 555 0100"]
    assert datetime.fromisoformat(last_state(messages)["bookmarks"]["contacts"]).timestamp() == START + 60

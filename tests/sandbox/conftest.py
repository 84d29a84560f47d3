"""A tiny account whose clock stands still, and a short way to ask it."""

import dataclasses
import json
from typing import Any

import pytest

from ac_tools.sandbox import Answer, Clock, Sandbox

START = 1_616_497_480.0  # 2021-03-23T06:04:40-05:00
SEED: dict[str, Any] = {
    "users": [
        {"id": 1, "username": "ada", "email": "ada@example.com", "first_name": "Ada", "last_name": "Admin"},
        {"id": 2, "username": "bo", "email": "Bo@example.com", "first_name": "Bo", "last_name": "Berg"},
    ],
    "lists": [
        {
            "id": 1,
            "name": "Newsletter",
            "stringid": "newsletter",
            "sender_url": "https://a.example",
            "sender_reminder": "You signed up.",
            "send_last_broadcast": 0,
            "created": "2020-01-02",
        },
        {
            "id": 2,
            "name": "Trade news",
            "stringid": "trade-news",
            "sender_url": "https://a.example",
            "sender_reminder": "You signed up.",
            "send_last_broadcast": 1,
            "created": "2020-01-02",
        },
    ],
    "tags": [
        {"id": 1, "tag": "Lead", "description": "", "type": "contact", "created": "2020-01-02"},
        {"id": 2, "tag": "Lead - cold", "description": "", "type": "contact", "created": "2020-01-02"},
        {"id": 3, "tag": "VIP", "description": "", "type": "contact", "created": "2020-01-02"},
    ],
    "fields": [
        {"id": 1, "title": "Job title", "type": "text", "perstag": "JOB_TITLE", "options": []},
        {"id": 2, "title": "Interest", "type": "dropdown", "perstag": "INTEREST", "options": ["Chairs", "Tables"]},
    ],
    "accounts": [{"id": 1, "name": "Lindqvist Interiors", "url": "https://lindqvist.example"}],
    "pipelines": [
        {
            "id": 1,
            "title": "Sales",
            "currency": "usd",
            "autoassign": 1,
            "stages": [{"id": 1, "title": "New"}, {"id": 2, "title": "Won over"}],
        },
        {"id": 2, "title": "Trade", "currency": "eur", "autoassign": 0, "stages": [{"id": 3, "title": "Application"}]},
    ],
    "automations": [
        {
            "id": 1,
            "name": "Welcome",
            "status": 1,
            "entered": 5,
            "exited": 4,
            "multientry": 0,
            "start": {"type": "subscribe", "list": 1},
        },
        {
            "id": 2,
            "name": "VIP care",
            "status": 1,
            "entered": 0,
            "exited": 0,
            "multientry": 0,
            "start": {"type": "tag", "tag": 3},
        },
        {
            "id": 3,
            "name": "Basket",
            "status": 2,
            "entered": 0,
            "exited": 0,
            "multientry": 0,
            "start": {"type": "tag", "tag": 1},
        },
        {
            "id": 4,
            "name": "Win-back",
            "status": 1,
            "entered": 0,
            "exited": 0,
            "multientry": 1,
            "start": {"type": "manual"},
        },
    ],
    "campaigns": [
        {"id": 1, "name": "Spring", "type": "single", "status": 5, "list": 1, "sent": "2021-03-01"},
        {"id": 2, "name": "Summer", "type": "single", "status": 0, "list": None, "sent": None},
    ],
    "segments": [{"id": 1, "name": "VIPs", "tag": 3}, {"id": 2, "name": "Everybody", "tag": None}],
    "contacts": [
        {
            "id": 1,
            "email": "Anna@lindqvist.example",
            "first_name": "Anna",
            "last_name": "Lindqvist",
            "phone": "+1 555 0101",
            "created": "2020-02-01",
            "account": 1,
            "tags": [1, 3],
            "lists": [{"list": 1, "status": 1, "date": "2020-02-01"}],
            "fields": {"1": "Owner"},
            "automations": [{"automation": 1, "status": 2, "date": "2020-02-01"}],
        },
        {
            "id": 2,
            "email": "ben@example.com",
            "first_name": "Ben",
            "last_name": "O'Brien",
            "phone": "",
            "created": "2020-03-01",
            "account": None,
            "tags": [],
            "lists": [
                {"list": 1, "status": 2, "date": "2020-04-01", "reason": "Too many emails"},
                {"list": 2, "status": 1, "date": "2020-03-01"},
            ],
            "fields": {},
            "automations": [],
        },
        {
            "id": 3,
            "email": "chi@example.com",
            "first_name": "Chi",
            "last_name": "",
            "phone": "",
            "created": "2020-05-01",
            "account": None,
            "tags": [2],
            "lists": [{"list": 1, "status": 3, "date": "2020-06-01"}],
            "fields": {},
            "automations": [],
        },
    ],
    "deals": [
        {
            "id": 1,
            "title": "Chairs",
            "value": 150_000,
            "currency": "usd",
            "contact": 1,
            "account": 1,
            "stage": 2,
            "owner": 1,
            "status": 0,
            "created": "2020-07-01",
        },
        {
            "id": 2,
            "title": "Tables",
            "value": 99_950,
            "currency": "usd",
            "contact": 2,
            "account": None,
            "stage": 1,
            "owner": 2,
            "status": 1,
            "created": "2020-08-01",
        },
        {
            "id": 3,
            "title": "Partner",
            "value": 5,
            "currency": "eur",
            "contact": None,
            "account": 1,
            "stage": 3,
            "owner": 2,
            "status": 2,
            "created": "2020-09-01",
        },
    ],
}


@dataclasses.dataclass
class Api:
    """A sandbox and a short way to ask it."""

    sandbox: Sandbox

    def answer(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """The raw answer; bytes are sent as they are, anything else as JSON."""
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        return self.sandbox.handle(method, f"/api/3{path}", {"Api-Token": "sandbox", **headers}, content)

    def __call__(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """The status and the decoded body."""
        answer = self.answer(method, path, body)
        return answer.status, json.loads(answer.body) if answer.body else None

    def get(self, path: str) -> Any:
        """The body of a GET that must succeed."""
        status, data = self("GET", path)
        assert status == 200, data
        return data


@pytest.fixture
def make():
    """Makes an account with the tiny seed and a clock that stands still; takes Sandbox's other arguments."""

    def build(**arguments: Any) -> Api:
        return Api(Sandbox(**{"seed": SEED, "clock": Clock(start=START), **arguments}))

    return build


@pytest.fixture
def api(make) -> Api:
    """The tiny account."""
    return make()

"""A random walk through the account: whatever is asked, it answers as its contracts say, and stays whole."""

from __future__ import annotations

import json
from random import Random
from typing import Any
from urllib.parse import urlencode

import pytest

from ac_tools.contracts import contract_for
from ac_tools.sandbox import Clock, Sandbox, Settings
from ac_tools.sandbox._router import _ROUTES as ROUTES

NOW = 1_790_000_000.0
ODD: list[Any] = [
    None,
    "",
    0,
    1,
    -1,
    "1",
    "46",
    "x" * 300,
    "Ünï 名前",
    "a@b.example",
    True,
    [],
    {},
    ["1"],
    1e300,
    "0000-00-00",
]
QUERIES = ["limit", "offset", "search", "email", "listid", "tagid", "status", "ids", "filters[name]", "orders[id]"]
TIED = {"contactTags": ("contact", "tag"), "contactLists": ("contact", "list"), "contactAutomations": ("contact",)}


class Walker:
    """Somebody who asks for anything, and learns from the answers what could be asked next.

    Args:
        seed: Where it begins.
    """

    def __init__(self, seed: int) -> None:
        self.dice = Random(seed)
        settings = Settings(import_seconds=self.dice.choice([0, 1]))
        self.clock = Clock(NOW)
        self.sandbox = Sandbox(clock=self.clock, settings=settings)
        self.records: dict[str, list[dict[str, Any]]] = {}

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """One request; its status and parsed body."""
        sent = b"" if body is None else json.dumps(body).encode()
        answer = self.sandbox.handle(method, f"/api/3{path}", {"Api-Token": self.sandbox.key}, sent)
        return answer.status, json.loads(answer.body) if answer.body else None

    def step(self) -> str:
        """Ask for something; what is wrong with the answer, or nothing."""
        route = self.dice.choice(ROUTES)
        parts = [self.id(part) if part.startswith("{") else part for part in route.parts]
        path = "/" + "/".join(parts)
        body = self.body(route.parts) if route.method in ("POST", "PUT") else None
        asked = f"{path}?{urlencode(self.query())}" if route.method == "GET" and self.dice.random() < 0.5 else path
        status, answer = self.ask(route.method, asked, body)
        self.clock.advance(self.dice.choice([0.0, 0.1, 5.0]))
        self.learn(answer)
        if status >= 500:
            return f"{route.method} {asked} {body} answered {status}"
        contract = contract_for(route.method, path)
        # What is created comes back as it was sent, so only a request that keeps its contract has a claim to one.
        kept = contract is not None and all(each.kind == "new" for each in contract.of_request(body))
        differs = contract.of_reply(status, answer) if contract and kept and status < 300 else ()
        return f"{route.method} {asked} {body} ({status}): {differs}" if differs else ""

    def id(self, part: str) -> str:
        known = [str(row["id"]) for rows in self.records.values() for row in rows[-3:] if "id" in row]
        return self.dice.choice([*known[-30:], "1", "2", "46", "281", "99999", "0", "-1", "x"])

    def query(self) -> dict[str, str]:
        names = self.dice.sample(QUERIES, self.dice.randint(1, 3))
        return {name: str(self.dice.choice([1, 2, 20, 100, "an", "a@b.example", "", "-1", "ASC"])) for name in names}

    def body(self, parts: tuple[str, ...]) -> Any:
        """A body like what the account shows of such records, with something odd in it now and then."""
        names = [part for part in parts if not part.startswith("{")]
        one = names[0].removesuffix("s") if names else "contact"
        like = self.dice.choice(self.records.get(names[0] if names else "", [{}])[-20:] or [{}])
        record = {
            name: value for name, value in like.items() if name not in ("links", "id") and self.dice.random() < 0.7
        }
        for _ in range(self.dice.randint(0, 3)):
            name = self.dice.choice([*record, "email", "name", "contact", "tag", "list", "status", "title", "value"])
            record[name] = self.dice.choice(ODD)
        return self.dice.choice([{one: record}, {one: record}, {one: record}, record, [record], self.dice.choice(ODD)])

    def learn(self, answer: Any) -> None:
        for name, value in answer.items() if isinstance(answer, dict) else ():
            rows = value if isinstance(value, list) else [value]
            plural = name if isinstance(value, list) else f"{name}s"
            found = [row for row in rows if isinstance(row, dict)]
            self.records[plural] = [*self.records.get(plural, []), *found][-60:]

    def broken(self) -> list[str]:
        """What does not fit together in the account."""
        faults = []
        contacts = [row for offset in range(0, 2000, 100) for row in self.page("contacts", offset)]
        ids = {row["id"] for row in contacts}
        if len(ids) != len(contacts):
            faults.append("two contacts with one id, or one on two pages")
        addresses = [row["email"].casefold() for row in contacts if row["email"]]
        if len(set(addresses)) != len(addresses):
            faults.append("two contacts with one address")
        for contact in self.dice.sample(sorted(ids), min(20, len(ids))):
            for kind, keys in TIED.items():
                _, answer = self.ask("GET", f"/contacts/{contact}/{kind}")
                ties = [tuple(row[key] for key in keys) for row in answer[kind]]
                faults += [f"{kind} of {contact}: {tie}" for tie in ties if tie[0] != contact]
                if kind != "contactAutomations" and len(set(ties)) != len(ties):
                    faults.append(f"{kind} of {contact} twice")
        return faults

    def page(self, kind: str, offset: int) -> list[dict[str, Any]]:
        _, answer = self.ask("GET", f"/{kind}?limit=100&offset={offset}&orders[id]=ASC")
        return list(answer[kind])


def walk(seed: int, steps: int) -> None:
    walker = Walker(seed)
    for _ in range(steps):
        wrong = walker.step()
        assert not wrong, f"seed {seed}: {wrong}"
    assert walker.broken() == [], f"seed {seed}"


@pytest.mark.parametrize("seed", range(4))
def test_a_walk_breaks_nothing(seed: int) -> None:
    """A thousand requests: none is answered with a fault of the server, and each success is as its contract says."""
    walk(seed, 250)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(100, 110))
def test_a_long_walk_breaks_nothing(seed: int) -> None:
    """Ten thousand requests."""
    walk(seed, 1000)

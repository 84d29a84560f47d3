"""Plain bookkeeping of what was agreed to, what was left of each limit and what reached the account.

It knows the guard's promises and nothing of its code: sums over a list, and a person's words looked up in another one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ac_tools.sandbox import Sandbox

WRITES: dict[str, tuple[str, str, int]] = {
    "ac_create_contact": ("contacts", "write", 1),
    "ac_update_contact": ("contacts", "write", 1),
    "ac_sync_contact": ("contacts", "write", 1),
    "ac_import_contacts": ("contacts", "full", 0),
    "ac_delete_contact": ("contacts", "full", 1),
    "ac_create_list": ("lists", "write", 0),
    "ac_set_list_status": ("lists", "write", 1),
    "ac_create_tag": ("tags", "write", 0),
    "ac_add_tag": ("tags", "write", 1),
    "ac_remove_tag": ("tags", "write", 1),
    "ac_create_deal": ("deals", "write", 0),
    "ac_update_deal": ("deals", "write", 0),
    "ac_create_field": ("fields", "write", 0),
    "ac_create_campaign": ("campaigns", "full", 0),
    "ac_add_to_automation": ("automations", "full", 1),
    "ac_remove_from_automation": ("automations", "write", 1),
    "ac_create_account": ("accounts", "write", 0),
    "ac_delete_list": ("lists", "full", 0),
    "ac_delete_tag": ("tags", "full", 0),
    "ac_delete_deal": ("deals", "full", 0),
    "ac_delete_field": ("fields", "full", 0),
    "ac_delete_account": ("accounts", "full", 0),
}
"""The writes: the area, the least level there, and how many people one touches, where that hangs on nothing else."""
LEVELS = ("off", "read", "write", "full")
WINDOWS = {"hour": 3600.0, "day": 86400.0}
EXPIRES = 900.0
"""Seconds for which an answer can be given, and used."""
SHOWN = ("contact", "tag", "list", "automation", "deal", "field", "account", "email", "phone", "name", "title")
"""The arguments that stand in a request as they are, once names are ids."""
Args = Mapping[str, Any]
Sign = tuple[str, str, str]
"""What tells one call from another: the agent, the tool, and its arguments with ids for names."""


def canonical(value: Any) -> str:
    """Equal for equal arguments; a record's id may be a number or its digits."""
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{name}: {canonical(value[name])}' for name in sorted(value))}}}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(canonical, value))}]"
    return repr(str(value))


@dataclass
class Write:
    """One call whose write, or the first of its writes, is about to reach the account."""

    entry: str
    agent: str
    tool: str
    args: Args
    at: float
    people: int
    raised: bool
    areas: tuple[str, ...]


@dataclass
class Yes:
    """What a person said about one call."""

    sign: Sign
    until: float
    limit: bool
    used: bool = False


@dataclass
class Agreed:
    """What a person agreed to beforehand, and what has come of it."""

    agent: str
    tool: str
    args: Args
    since: float
    until: float
    times: int | None
    people: int | None
    revoked: float = float("inf")
    used: int = 0
    touched: int = 0


@dataclass
class Book:
    """What people said, and what left.

    Args:
        sandbox: The account, by which names are ids.
        granted: What each agent may do in each area.
    """

    sandbox: Sandbox
    granted: Mapping[str, Mapping[str, Mapping[str, Any]]]
    writes: list[Write] = field(default_factory=list)
    yeses: list[Yes] = field(default_factory=list)
    standing: dict[str, Agreed] = field(default_factory=dict)
    asked: list[tuple[Sign, float]] = field(default_factory=list)

    def sign(self, agent: str, tool: str, args: Args) -> Sign:
        """What tells this call from others, as the account has its names now."""
        return agent, tool, canonical(self.resolved(args))

    def resolved(self, args: Args) -> dict[str, Any]:
        """Arguments with ids for names and addresses."""
        store = self.sandbox._store
        named = {"contact": (store.contacts, "email"), "tag": (store.tags, "tag")}
        named |= {"list": (store.lists, "name"), "automation": (store.automations, "name")}
        found = dict(args)
        for noun in named.keys() & args.keys():
            table, attribute = named[noun]
            said = str(args[noun])
            ids = [row.id for row in table if getattr(row, attribute).casefold() == said.casefold()]
            found[noun] = int(said) if said.isdigit() else next(iter(ids), None)
        return found

    def agreed(self, sign: Sign, until: float, *, limit: bool) -> None:
        """A person says yes to one call, told of a limit that it passes or not."""
        self.yeses.append(Yes(sign, until, limit))

    def people(self, tool: str, args: Args) -> int:
        """How many people a call touches."""
        if tool == "ac_import_contacts":
            return len(args["contacts"])
        if tool in ("ac_create_deal", "ac_update_deal"):
            return 1 if args.get("contact") else 0
        return WRITES[tool][2]

    def areas(self, tool: str, args: Args) -> tuple[str, ...]:
        """Where a call writes."""
        others = ("lists",) if args.get("subscribe") else ()
        return (WRITES[tool][0], *others, *(("tags",) if args.get("tags") else ()))

    def raised(self, tool: str, args: Args) -> bool:
        """Whether the account makes it graver than its tool is: mail to somebody who left, or at once."""
        if tool != "ac_set_list_status" or args["status"] == "unsubscribe":
            return False
        ids, store = self.resolved(args), self.sandbox._store
        row = store.memberships.find((ids["contact"], ids["list"]))
        mailing = store.lists.get(ids["list"])
        mails = mailing is not None and mailing.send_last_broadcast == "1" and args["status"] == "subscribe"
        return mails or (row is not None and row.status in (2, 3))

    def judged(self, write: Write, standing: str) -> Iterator[str]:
        """What is wrong with a write that is about to reach the account.

        Args:
            write: The write.
            standing: The standing approval that the record names for it; empty where it names none.
        """
        self.writes.append(write)
        over = list(self._over(write))
        may_ask = all(asks for _, asks in over)
        for said, asks in over:
            if not asks:
                yield said
        yield from self._not_granted(write)
        if self._needs_yes(write) or (over and may_ask):
            yield from self._not_agreed(write, standing, over=bool(over))

    def _lineage(self, agent: str) -> Iterator[str]:
        yield agent
        while "/" in agent:
            agent = agent.rpartition("/")[0]
            yield agent

    def _over(self, write: Write) -> Iterator[tuple[str, bool]]:
        """The limits that are passed with this write, each with whether a person may let that pass."""
        for agent in self._lineage(write.agent):
            for area in write.areas:
                grant = self.granted[agent][area]
                for name, most in grant.items():
                    unit, _, window = name.partition("_per_")
                    if window and (used := self._used(agent, area, unit, write.at - WINDOWS[window])) > most:
                        yield f"{used} {unit} per {window} in {area} by {agent}, who has {most}", "over" in grant

    def _used(self, agent: str, area: str, unit: str, since: float) -> int:
        of = [one for one in self.writes if one.agent == agent or one.agent.startswith(f"{agent}/")]
        return sum(one.people if unit == "people" else 1 for one in of if area in one.areas and one.at > since)

    def _not_granted(self, write: Write) -> Iterator[str]:
        area, level, _ = WRITES[write.tool]
        for agent in self._lineage(write.agent):
            has = self.granted[agent][area]["access"]
            if LEVELS.index(has) < LEVELS.index("full" if write.raised and area == "lists" else level):
                yield f"{write.tool} by {agent}, who has {has} in {area}"

    def _needs_yes(self, write: Write) -> bool:
        grave = WRITES[write.tool][1] == "full" or write.raised
        asks = [self.granted[agent][area] for agent in self._lineage(write.agent) for area in write.areas]
        return grave or any("ask" in grant for grant in asks)

    def _not_agreed(self, write: Write, standing: str, *, over: bool) -> Iterator[str]:
        sign = self.sign(write.agent, write.tool, write.args)
        for yes in self.yeses:
            if yes.sign == sign and not yes.used and write.at < yes.until and (yes.limit or not over):
                yes.used = True
                return
        agreed = self.standing.get(standing)
        if over or agreed is None:
            yield f"nobody agreed to {sign}{', above a limit' if over else ''}"
            return
        agreed.used += 1
        agreed.touched += write.people
        if stretched := self._stretched(agreed, write, sign):
            yield f"{sign} by a standing approval: {stretched}"

    def _stretched(self, agreed: Agreed, write: Write, sign: Sign) -> str:
        """Which edge of a standing approval a write passes; empty where it passes none."""
        ids = self.resolved(write.args)
        wanted = self.resolved(agreed.args)
        asked = [at for one, at in self.asked if one == sign and at > write.at - EXPIRES]
        edges = {
            "another agent": agreed.agent == write.agent,
            "another tool": agreed.tool == write.tool,
            "other arguments": all(canonical(ids.get(name)) == canonical(wanted[name]) for name in wanted),
            "graver than the tool": not write.raised,
            "too often": agreed.times is None or agreed.used <= agreed.times,
            "too many people": agreed.people is None or agreed.touched <= agreed.people,
            # What was asked in time stays answered; a call that is planned runs later.
            "not in its time": any(agreed.since <= at < min(agreed.until, agreed.revoked) for at in asked),
        }
        return ", ".join(edge for edge, kept in edges.items() if not kept)


def shows(sandbox: Sandbox, path: str, body: bytes, ids: Args) -> bool:
    """Whether a request is about what a call says, as far as its arguments stand in requests as they are."""
    numbers = [part for part in path.split("/") if part.isdigit()]
    found = {*numbers, *_leaves(json.loads(body) if body else {})}
    store = sandbox._store
    if "/contactTags/" in path and (tie := store.contact_tags.get(int(numbers[-1]))):
        found |= {str(tie.contact), str(tie.tag)}
    if "/contactAutomations/" in path and (run := store.enrolments.get(int(numbers[-1]))):
        found |= {str(run.contact), str(run.automation)}
    return all(str(ids[name]) in found for name in SHOWN if ids.get(name) is not None)


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from _leaves(one)
    else:
        yield str(value)

"""What the guard costs beside the same tool without it: `python benchmarks/guard.py [--quick]`.

Each number is a median of one run, the guarded call and the bare one taking turns, so that whatever else the machine
does touches both alike. No network and no key: the account is the embedded one. Ends with 1 where a limit is missed.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from approval import round_trips
from bare import BareAddTag, BareListTags
from rows import fill

from ac_guardrails import Action, Grants, Guard, Level, Need, Request
from ac_guardrails._limits import Use
from ac_tools import ActiveCampaign, ActiveCampaignToolkit
from ac_tools._catalog import catalog

GRANTS = Grants.from_dict({"agents": {"marketing": {"contacts": "read", "tags": "write"}}}, catalog=catalog)
LIMITED = Grants.from_dict(
    {"agents": {"marketing": {"contacts": "read", "tags": {"access": "write", "people_per_day": 100_000}}}},
    catalog=catalog,
)
NOISE = 1.25
"""A limit counts as missed above this many times it: medians of single runs on shared machines differ by up to a
fifth, and no change that is worth finding is smaller."""

Row = tuple[str, float, str, float | None]
"""What was measured, the number, its unit, and the limit: at most, or at least where the unit is a rate."""


def seconds(work: Callable[[], object]) -> float:
    """How long this takes, once."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def added(bare: Callable[[], object], guarded: Callable[[], object], *, times: int) -> tuple[float, float]:
    """By how many seconds the median guarded call is longer, and how long the bare one takes."""
    return _medians([(seconds(bare), seconds(guarded)) for _ in range(times)])


def _medians(pairs: list[tuple[float, float]]) -> tuple[float, float]:
    """Without the first tenth, which warms things up."""
    without, with_guard = (statistics.median(column) for column in zip(*pairs[len(pairs) // 10 :], strict=True))
    return with_guard - without, without


async def aadded(
    bare: Callable[[], Awaitable[Any]], guarded: Callable[[], Awaitable[Any]], *, times: int
) -> tuple[float, float]:
    """The same on an event loop."""
    pairs = []
    for _ in range(times):
        begun = time.perf_counter()
        await bare()
        between = time.perf_counter()
        await guarded()
        pairs.append((between - begun, time.perf_counter() - between))
    return _medians(pairs)


@contextmanager
def guarded(account: ActiveCampaign, ledger: str, grants: Grants = GRANTS) -> Iterator[ActiveCampaignToolkit]:
    """A toolkit on an account, its ledger closed at the end."""
    guard = Guard(grants, ledger=ledger)
    try:
        yield ActiveCampaignToolkit(account=account, guard=guard, agent="marketing")
    finally:
        guard.ledger.close()


def calls(name: str, args: dict[str, Any]) -> Callable[[], dict[str, Any]]:
    """The same tool call with a new id each time, as a model would make it."""
    ids = itertools.count()
    return lambda: {"type": "tool_call", "id": f"call_{next(ids)}", "name": name, "args": args}


CONFIG: Any = {"configurable": {"thread_id": "1"}}
"""A thread, so that a write is looked for in the ledger before it is made."""


def decide(*, times: int) -> Iterator[Row]:
    """One decision on a write that touches people."""
    action = Action(
        agent="marketing",
        tool="ac_add_tag",
        host="sandbox.api-us1.example",
        needs=(Need("tags", Level.WRITE), Need("contacts", Level.READ)),
        arguments={"contact": "46", "tag": "1"},
        what="put tag 1 on contact 46",
        request=Request("POST", "/contactTags", body={"contactTag": {"contact": 46, "tag": 1}}),
        people=1,
    )
    used = {limit: Use(7) for limit in LIMITED.grant("marketing", "tags").limits}
    measured = [seconds(lambda: LIMITED.decide(action, {}, used=used)) for _ in range(times)]
    yield "decide", statistics.median(measured) * 1e6, "us", 20


def reads(account: ActiveCampaign, directory: str, *, times: int) -> Iterator[Row]:
    """A guarded read beside the same read bare."""
    bare = BareListTags(account)
    call = calls("ac_list_tags", {"search": "a", "limit": 5})
    for where, ledger in (("in memory", "memory:"), ("in a file", f"sqlite:///{directory}/reads.db")):
        with guarded(account, ledger) as toolkit:
            tool = toolkit.get_tool("ac_list_tags")
            more, alone = added(lambda: bare.invoke(call()), lambda: tool.invoke(call()), times=times)  # noqa: B023
            yield f"a read adds, ledger {where}", more * 1e6, "us", 150
            yield f"a read adds, ledger {where}, share of the bare read", 100 * more / alone, "%", None
            work = aadded(lambda: bare.ainvoke(call()), lambda: tool.ainvoke(call()), times=times)  # noqa: B023
            more, alone = asyncio.run(work)
            yield f"a read adds, ledger {where}, async", more * 1e6, "us", 350
            yield f"a read adds, ledger {where}, async, share of the bare read", 100 * more / alone, "%", None


def writes(account: ActiveCampaign, directory: str, *, times: int) -> Iterator[Row]:
    """A guarded write, which the disk has before it leaves, beside the same write bare.

    How long a disk takes for that is the disk's: the limit is for a file whose disk takes no time, and what the disk of
    this machine makes of it is shown beside it.
    """
    bare = BareAddTag(account)
    call = calls("ac_add_tag", {"contact": "46", "tag": "1"})
    places = [("in memory", "memory:", 1.0)]
    if Path("/dev/shm").is_dir():
        with tempfile.TemporaryDirectory(dir="/dev/shm") as shared:
            places += [("in a file, disk not counted", f"sqlite:///{shared}/writes.db", 1.0)]
            yield from _writes(account, bare, call, places, times=times)
    yield from _writes(account, bare, call, [("in a file", f"sqlite:///{directory}/writes.db", None)], times=times // 4)


def _writes(
    account: ActiveCampaign, bare: BareAddTag, call: Any, places: list[tuple[str, str, float | None]], *, times: int
) -> Iterator[Row]:
    for where, ledger, limit in places:
        with guarded(account, ledger) as toolkit:
            tool = toolkit.get_tool("ac_add_tag")
            more, _ = added(lambda: bare.invoke(call(), CONFIG), lambda: tool.invoke(call(), CONFIG), times=times)  # noqa: B023
            yield f"a write adds, ledger {where}", more * 1e3, "ms", limit


def growth(account: ActiveCampaign, directory: str, *, most: int, times: int) -> Iterator[Row]:
    """The processor's time for a write on a short ledger and on a long one, and how fast the long one is verified."""
    with ExitStack() as stack:
        toolkits = []
        for count in (1_000, most):
            path = f"{directory}/rows-{count}.db"
            fill(path, count)
            toolkits.append(stack.enter_context(guarded(account, f"sqlite:///{path}", LIMITED)))
        long = toolkits[1].guard
        yield "verify", most / seconds(lambda: _verified(long)), "rows/s", 100_000
        call, pairs = calls("ac_add_tag", {"contact": "46", "tag": "1"}), []
        on_short, on_long = (each.get_tool("ac_add_tag") for each in toolkits)
        for _ in range(times):
            begun = time.process_time()
            on_short.invoke(call(), CONFIG)
            between = time.process_time()
            on_long.invoke(call(), CONFIG)
            pairs.append((between - begun, time.process_time() - between))
    more, short = _medians(pairs)
    yield f"a write with {most:,} rows, times that with 1,000", (short + more) / short, "x", 1.2


def _verified(guard: Guard) -> None:
    assert guard.ledger.verify() == ""


def shown(row: Row) -> bool:
    """Print a row; whether its limit holds."""
    what, number, unit, limit = row
    if limit is None:
        print(f"{number:12,.2f} {unit:<6} {'':>18}        {what}")
        return True
    is_rate = unit.endswith("/s")
    over = limit / number if is_rate else number / limit
    verdict = "ok" if over <= 1 else "noise?" if over <= NOISE else "MISSED"
    print(
        f"{number:12,.2f} {unit:<6} {'at least' if is_rate else 'at most':>8} {limit:9,.2f} {verdict:<7} {what}",
        flush=True,
    )
    return over <= NOISE


def main() -> int:
    """Measure everything, print a table."""
    quick = "--quick" in sys.argv[1:]
    times = 300 if quick else 1500
    with tempfile.TemporaryDirectory() as directory, ActiveCampaign.sandbox() as account:
        gc.freeze()
        rows = itertools.chain(
            decide(times=times * 10),
            reads(account, directory, times=times),
            writes(account, directory, times=times),
            growth(account, directory, most=100_000 if quick else 1_000_000, times=100 if quick else 400),
            round_trips(directory, times=20 if quick else 200),
        )
        missed = [row for row in rows if not shown(row)]
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())

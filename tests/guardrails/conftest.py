"""A small product for the guard's own tests: a library with three areas, a job, a sender that keeps its requests."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from ac_guardrails import (
    Action,
    Answer,
    Card,
    Catalog,
    CatalogTool,
    Grants,
    Guard,
    InvalidCall,
    Level,
    Need,
    Permit,
    PermitError,
    Plan,
    Reference,
    Request,
)
from ac_guardrails._finding import Finding
from ac_guardrails._origin import Origin

NEEDS = {
    "get_book": (Need("books", Level.READ),),
    "rename_book": (Need("books", Level.WRITE),),
    "burn_book": (Need("books", Level.FULL),),
    "lend_book": (Need("books", Level.WRITE), Need("members", Level.READ)),
    "get_member": (Need("members", Level.READ),),
    "mail_members": (Need("members", Level.FULL),),
    "print_poster": (Need("posters", Level.FULL),),
}
METHODS = {"get_book": "GET", "rename_book": "PUT", "burn_book": "DELETE"}

CATALOG = Catalog(
    name="Library",
    areas=("books", "members", "posters"),
    tools=tuple(CatalogTool(name, needs[0]) for name, needs in NEEDS.items()),
    nouns={"shelf": "books", "author": "books", "club": "members", "domain": "members"},
    amounts={"books": 100},
)


class AccountError(Exception):
    """What the product's sender raises: `outcome` says what became of a write."""

    def __init__(self, outcome: str, text: str = "The library said no.") -> None:
        super().__init__(text)
        self.outcome = outcome


@dataclass
class LibraryJob:
    """One call. `during_prepare` and `perform` let a test put its own steps in."""

    tool: str
    args: Mapping[str, Any] = field(default_factory=dict)
    agent: str = "marketing"
    host: str = "library.example"
    people: int = 1
    references: tuple[Reference, ...] = (Reference("shelf", 1, "Crime"), Reference("author", 9, "Ann"))
    needs: tuple[Need, ...] | None = None
    request: Request | None = None
    more: tuple[Request, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    during_prepare: Callable[[], Any] | None = None
    performing: Callable[[Plan], Any] | None = None
    making_card: Callable[[], Card] | None = None
    origin: Origin = field(default_factory=Origin)
    voids: Mapping[str, Any] = field(default_factory=dict)
    key: Mapping[str, Any] = field(default_factory=dict)
    reading_back: Callable[[], Any] | None = None
    before: Mapping[str, Any] | None = None

    def arguments(self) -> Mapping[str, Any]:
        return self.args

    def edited(self, arguments: Mapping[str, Any]) -> LibraryJob:
        return type(self)(**{**self.__dict__, "args": arguments, "request": None})

    def outline(self) -> Action:
        if unknown := set(self.args) - {"book", "title", "note"}:
            raise InvalidCall(f"{self.tool} takes no argument {min(unknown)!r}.")
        return self._action(None, ())

    def read_back(self, tool: str, key: Mapping[str, Any], since: float) -> Any:
        if self.reading_back is not None:
            return (yield from self.reading_back())
        return Finding("absent", "the shelf does not show it")
        yield

    def made(self, artifact: Any) -> str:
        return ""

    def kept(self, artifact: Any) -> Any:
        return artifact

    def given_again(self, kept: Any) -> Any:
        return kept

    def prepare(self, readable: frozenset[str], *, again: bool = False) -> Any:
        if self.during_prepare is not None:
            early = yield from self.during_prepare()
            if isinstance(early, Answer):
                return early
        action = self._action(self.request or self._request(), self.references)
        return Plan(
            action=action,
            facts=self.facts,
            voids=self.voids,
            card=self.making_card or (lambda: Card(f"{action.plain}?", (("Agent", self.agent),), "No way back.")),
            perform=lambda: (self.performing or self._perform)(plan(action, self)),
        )

    def _perform(self, prepared: Plan) -> Any:
        replies = []
        for request in prepared.action.requests:
            replies.append((yield request))
        return Answer(f"{self.tool}: {len(replies)} request(s) answered.", replies)

    def _request(self) -> Request:
        method = METHODS.get(self.tool, "POST")
        body = None if method in ("GET", "DELETE") else dict(self.args)
        return Request(method, f"/books/{self.args.get('book', 1)}", body=body)

    def _action(self, request: Request | None, references: tuple[Reference, ...]) -> Action:
        book = Reference("book", int(self.args.get("book", 1)), str(self.args.get("title", "")))
        return Action(
            agent=self.agent,
            tool=self.tool,
            host=self.host,
            needs=NEEDS[self.tool] if self.needs is None else self.needs,
            arguments=self.args,
            what=f"{self.tool.split('_')[0]} book {book.id}",
            plain=f"{self.tool.split('_')[0]} the book {self.args.get('title', book.id)}",
            request=request,
            more=self.more if request else (),
            references=(*references, Reference("book", book.id)) if references else (),
            people=self.people,
            acts_on="book",
            key=self.key or {"book": book.id},
        )


def plan(action: Action, job: LibraryJob) -> Plan:
    """The plan that a test's own `performing` is handed."""
    return Plan(action=action, card=lambda: Card("?"), perform=lambda: job._perform(plan(action, job)))


class LibrarySender:
    """Keeps what left, and answers with `reply`; without a permit nothing leaves."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.permits: list[Permit] = []
        self.reply: Callable[[Request], Any] = lambda request: {"ok": True}

    @property
    def writes(self) -> list[Request]:
        return [request for request in self.requests if request.is_write]

    def send(self, request: Request, permit: Permit | None) -> Any:
        if permit is None:
            raise PermitError("no permit")
        permit.spend(request)
        self.permits.append(permit)
        self.requests.append(request)
        return self.reply(request)

    async def asend(self, request: Request, permit: Permit | None) -> Any:
        await asyncio.sleep(0)
        reply = self.send(request, permit)
        return await reply if asyncio.iscoroutine(reply) else reply


@pytest.fixture
def catalog() -> Catalog:
    return CATALOG


@pytest.fixture
def job() -> type[LibraryJob]:
    return LibraryJob


@pytest.fixture
def account_error() -> type[AccountError]:
    return AccountError


@pytest.fixture
def sender() -> LibrarySender:
    return LibrarySender()


@pytest.fixture
def grants() -> Callable[..., Grants]:
    """Grants for the agent "marketing" from its areas, or from a whole mapping."""

    def make(areas: Mapping[str, Any] | None = None, **more: Any) -> Grants:
        areas = {**(areas or {}), **more}
        data = areas if "agents" in areas else {"agents": {"marketing": areas}}
        return Grants.from_dict(data, catalog=CATALOG)

    return make


@pytest.fixture
def guard(grants: Callable[..., Grants]) -> Iterator[Callable[..., Guard]]:
    """Makes a guard from areas; everything is granted unless said otherwise."""
    made: list[Guard] = []

    def make(areas: Mapping[str, Any] | None = None, *, ledger: Any = "memory:", **options: Any) -> Guard:
        chosen = grants(areas or {"books": "full", "members": "full"})
        made.append(Guard(chosen, ledger=ledger, **options))
        return made[-1]

    yield make
    for each in made:
        each.ledger.close()


@pytest.fixture(params=["sync", "async"])
def carry(request: pytest.FixtureRequest, sender: LibrarySender) -> Callable[[Guard, LibraryJob], Answer]:
    """Carries a job through a guard, once from sync code and once on an event loop."""

    def run(guard: Guard, job: LibraryJob) -> Answer:
        if request.param == "sync":
            return guard.run(job, sender)
        return asyncio.run(guard.arun(job, sender))

    return run


class Clock:
    """Epoch seconds that a test moves."""

    def __init__(self) -> None:
        self.now = 1_790_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def opened(catalog: Catalog, clock: Any) -> Iterator[Callable[..., Guard]]:
    """Makes a guard of the agent "marketing"; unless said otherwise it may write to books, and its clock stands."""
    made: list[Guard] = []

    def make(books: dict[str, Any] | None = None, *, areas: Any = None, ledger: Any = "memory:", **more: Any) -> Guard:
        chosen = areas or {"books": {"access": "write", **(books or {})}, "members": "read"}
        grants = Grants.from_dict({"agents": {"marketing": chosen}}, catalog=catalog)
        made.append(Guard(grants, **{"ledger": ledger, "clock": clock, **more}))
        return made[-1]

    yield make
    for each in made:
        each.ledger.close()


@pytest.fixture
def rename(job: Any, sender: Any) -> Callable[..., Any]:
    """Renames another book at each call, and gives the answer."""
    books = itertools.count(1)
    return lambda guard, **more: guard.run(job("rename_book", {"book": next(books)}, **more), sender)

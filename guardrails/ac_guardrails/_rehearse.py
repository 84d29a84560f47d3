"""Rehearsing: everything that a call does but sending its writes, and in words what would have been sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from ac_guardrails._action import Action
from ac_guardrails._approvals import Card
from ac_guardrails._canonical import canonical
from ac_guardrails._finding import ReadBack
from ac_guardrails._job import Answer, Exchange, Job, Plan
from ac_guardrails._origin import Origin
from ac_guardrails._request import Request
from ac_guardrails._text import quoted

if TYPE_CHECKING:
    from ac_guardrails._guard import Guard

_MOST_SHOWN = 5
_MOST_OF_A_BODY = 600
_ON_THE_CARD = ("Rehearsal", "Nothing is sent, whatever you answer; in earnest you are asked again.")


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What a call would have sent; the artifact of every write in a rehearsal. Nothing was sent.

    Args:
        requests: The requests that are known in full, in their order.
        followups: Method and path of those that may follow, which only the account's reply would tell in full.
        people: How many people the call would have touched.
    """

    requests: tuple[Request, ...]
    followups: tuple[tuple[str, str], ...] = ()
    people: int = 0

    def __str__(self) -> str:
        shown = [f"  {_line(request)}" for request in self.requests[:_MOST_SHOWN]]
        if more := len(self.requests) - _MOST_SHOWN:
            shown += [f"  and {more} more like these"] if more > 0 else []
        shown += [f"  {method} {path} may follow, made from the reply" for method, path in self.followups]
        return "\n".join(shown)


class Rehearsed:
    """A call as a rehearsal carries it out: decided, read for, asked about and recorded as in earnest, and not sent.

    It is another call than the same one in earnest: it has a replay key of its own, and no answer that a person gives
    to one counts for the other.

    Args:
        job: The call.
    """

    def __init__(self, job: Job) -> None:
        self._job = job
        self.agent = job.agent
        self.tool = job.tool
        self.host = job.host
        self.origin = _apart(job.origin)
        self.before: Mapping[str, Any] | None = None

    def outline(self) -> Action:
        """The action as far as the arguments alone tell it."""
        return self._job.outline()

    def prepare(self, readable: frozenset[str], *, again: bool = False) -> Exchange:
        """Read what is needed, as in earnest."""
        return _unsent((yield from self._job.prepare(readable, again=again)))

    def edited(self, arguments: Mapping[str, Any]) -> Rehearsed:
        """The same call with other arguments."""
        return Rehearsed(self._job.edited(arguments))

    def arguments(self) -> Mapping[str, Any]:
        """What was asked for, as JSON."""
        return self._job.arguments()

    def read_back(self, tool: str, key: Mapping[str, Any], since: float) -> ReadBack:
        """Read whether an earlier write, made in earnest, happened."""
        return self._job.read_back(tool, key, since)

    def made(self, artifact: Any) -> str:
        """Nothing was made."""
        return ""

    def kept(self, artifact: Rehearsal) -> Any:
        """What would have been sent, as JSON."""
        requests = [[r.method, r.path, r.params, r.body] for r in artifact.requests]
        return [requests, artifact.followups, artifact.people]

    def given_again(self, kept: Sequence[Any]) -> Rehearsal:
        """The artifact that `kept` made JSON of."""
        requests, followups, people = kept
        made = [Request(method, path, _pairs(params), body) for method, path, params, body in requests]
        return Rehearsal(tuple(made), _pairs(followups), people)


def as_run(guard: Guard, job: Job) -> Job:
    """The call as a guard of this mode carries it out."""
    return Rehearsed(job) if guard.mode == "rehearse" else job


def _apart(origin: Origin) -> Origin:
    """The same place in the graph, where the call and those beside it are known by other keys."""
    call = f"rehearsal of {origin.call}" if origin.call else ""
    return replace(
        origin, call=call, siblings=lambda: [(guard, as_run(guard, job)) for guard, job in origin.siblings()]
    )


def _unsent(prepared: Plan | Answer) -> Plan | Answer:
    """The same plan, of which nothing is sent; what changes nothing in the account runs as it is."""
    if isinstance(prepared, Answer) or not prepared.action.is_write:
        return prepared
    return replace(
        prepared,
        card=partial(_marked, prepared),
        perform=partial(_told, prepared.action),
        voids={**prepared.voids, "rehearsal": True},  # a yes to one that is in earnest is no yes to this, or back
        portray=partial(_portrayed, prepared.portray) if prepared.portray else None,
    )


def _portrayed(portray: Any, card: bool) -> Exchange:
    return _unsent((yield from portray(card)))


def _marked(plan: Plan) -> Card:
    """The card, which says that it is a rehearsal."""
    card = plan.card()
    return replace(card, rows=(_ON_THE_CARD, *card.rows))


def _told(action: Action) -> Exchange:
    """Say what would have been sent, in place of sending it.

    The answer is a success: models repeat what failed, or give up, and a rehearsal is to show what they would do next.
    """
    found = Rehearsal(action.requests, action.followups, action.people)
    people = f" It would touch {action.people} {'person' if action.people == 1 else 'people'}." if action.people else ""
    return Answer(
        f"This is a rehearsal: nothing was sent and nothing has changed.{people} In earnest this would be sent now:\n"
        f"{found}\n"
        "Go on as if it had been done, but make up no ids that the account would have given, and say in the end that "
        "it was a rehearsal.",
        found,
    )
    yield  # a generator, like the ones that send something


def _line(request: Request) -> str:
    """A request on one line; its values are data."""
    params = " ".join(f"{name}={value}" for name, value in request.params)
    values = [params] if params else []
    values += [canonical(request.body)] if request.body is not None else []
    return " ".join((request.method, request.path, *(quoted(text, limit=_MOST_OF_A_BODY) for text in values)))


def _pairs(pairs: Sequence[Sequence[str]]) -> tuple[tuple[str, str], ...]:
    return tuple((first, second) for first, second in pairs)

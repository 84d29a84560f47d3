"""Sets of calls: planned together, asked about once, run one by one."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from langchain_core.messages import ToolMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.config import var_child_runnable_config

from ac_guardrails import Action, InvalidCall, Planned, Question, Refusal, inert
from ac_guardrails._canonical import canonical, digest
from ac_guardrails._origin import Origin
from ac_guardrails._sets import planned as asked_about
from ac_guardrails._steps import Steps
from ac_tools.tools._job import ToolJob

if TYPE_CHECKING:
    from ac_tools._toolkit import ActiveCampaignToolkit
    from ac_tools.tools import ActiveCampaignTool

_MOST = 50
_EXAMPLE = '[("ac_add_tag", {"contact": 46, "tag": "VIP"})]'
"""How many calls a set has at most: a person is to read all of them."""
_SAID = {"approve": "approved", "reject": "rejected", "edit": "edited"}


@dataclass(frozen=True)
class PlannedCall:
    """One call of a set.

    Args:
        id: The tool call's id.
        tool: The tool, as bound to its agent.
        arguments: What it is called with.
        what: The act as an infinitive, in plain words.
        question: What a person was asked about it, and their answer; None where nobody was.
    """

    id: str
    tool: ActiveCampaignTool
    arguments: Mapping[str, Any]
    what: str
    question: Question | None = None

    def request(self) -> dict[str, Any]:
        """The call as LangChain has it."""
        return {"type": "tool_call", "id": self.id, "name": self.tool.name, "args": dict(self.arguments)}


class CallSet:
    """Calls that a person was asked about together. `str()` says what was decided for each.

    Args:
        toolkit: Whose calls they are.
        calls: The calls, in order.
        planned: What the person said.
        place: The thread and the task that the calls come from.
    """

    def __init__(
        self, toolkit: ActiveCampaignToolkit, calls: Sequence[PlannedCall], planned: Planned, place: tuple[str, str]
    ) -> None:
        self.calls = tuple(calls)
        self.approval = planned.approval
        """The id of what was asked; empty where nothing was."""
        self._waits = planned.waits
        self._guard = toolkit.guard
        self._place = place

    def __str__(self) -> str:
        return "\n".join(f"{number}. {call.what}: {self._said(call)}" for number, call in enumerate(self.calls, 1))

    def run(self) -> list[ToolMessage]:
        """Make the calls, in order, each as its tool is called by an agent; run again, it gives the recorded results.

        A call that is refused or fails does not keep the others from running: each has its own approval. While the
        question waits for a person, the calls that it is about are not made, and their answers say so.

        Raises:
            LedgerError: The ledger cannot be written. The calls after that were not made.
        """
        waits, config = self._still_waits(), self._config()
        return [self._not_yet(call, waits) or call.tool.invoke(call.request(), config) for call in self.calls]

    async def arun(self) -> list[ToolMessage]:
        """The same on an event loop."""
        waits, config = await asyncio.to_thread(self._still_waits), self._config()
        return [self._not_yet(call, waits) or await call.tool.ainvoke(call.request(), config) for call in self.calls]

    def _still_waits(self) -> frozenset[str]:
        """The questions that nobody has answered yet, if those were not answered when the calls were planned."""
        if not self._waits:
            return frozenset()
        asked = self._guard.desk.question(self.approval)
        is_open = asked is not None and asked.is_open(self._guard.clock())
        return frozenset((self.approval, *asked.members)) if asked and is_open else frozenset()

    def _not_yet(self, call: PlannedCall, waits: frozenset[str]) -> ToolMessage | None:
        """What to say of a call that waits for a person: running it would wait once more, for each call alone."""
        if call.question is None or call.question.request.id not in waits:
            return None
        refusal = Refusal("waiting", self._waits, call.question.request.id)
        return ToolMessage(self._waits, artifact=refusal, tool_call_id=call.id, name=call.tool.name, status="error")

    def _config(self) -> RunnableConfig | None:
        """What the calls are run with, so that they are known to be those that were planned, wherever that is."""
        if _place() == self._place:
            return None
        thread, task = self._place
        return {"configurable": {"thread_id": thread, "checkpoint_ns": task}}

    def _said(self, call: PlannedCall) -> str:
        """What was decided for a call, as a clause."""
        question = call.question
        if question is None:
            return "no person was asked"
        if question.decision is not None:
            by, reason = (inert(text, limit=300) for text in (question.decision.by, question.decision.reason))
            return f"{_SAID[question.decision.kind]} by {by}" + (f" ({reason.rstrip('.')})" if reason else "")
        if question.is_open(self._guard.clock()):
            return f"waits for a person (approval {self.approval or question.request.id})"
        return "nobody has answered, and nothing runs"


def planned(
    toolkit: ActiveCampaignToolkit, calls: Sequence[tuple[ActiveCampaignTool, Mapping[str, Any]]]
) -> Steps[CallSet]:
    """Ask a person once about all the calls that need one. Nothing is sent.

    Args:
        toolkit: Whose calls they are.
        calls: Tools of the toolkit's agent, each with its arguments.

    Raises:
        ValueError: There is no call, or too many; one has arguments that cannot be used, or is there twice.
    """
    outlines = _outlines(calls)
    name = digest([[one.tool, dict(one.arguments)] for one in outlines])[:12]
    place = _place() or ("", f"set {secrets.token_hex(8)}")
    config = var_child_runnable_config.get() or {}
    jobs = [
        ToolJob(tool, arguments, Origin(*place, f"{name}-{number}", config))
        for number, (tool, arguments) in enumerate(calls, 1)
    ]
    said = yield from asked_about(toolkit.guard, jobs)
    made = [
        PlannedCall(
            job.origin.call,
            tool,
            job.arguments(),
            question.request.action.plain if question else outline.plain,
            question,
        )
        for job, outline, (tool, _), question in zip(jobs, outlines, calls, said.questions, strict=True)
    ]
    return CallSet(toolkit, made, said, place)


def named(toolkit: ActiveCampaignToolkit, calls: Sequence[tuple[str, Mapping[str, Any]]]) -> Steps[CallSet]:
    """The same with the names of tools.

    Raises:
        ValueError: A name is none of the 29; or as `planned` says.
    """
    if isinstance(calls, str) or not isinstance(calls, Sequence) or not all(map(_is_pair, calls)):
        raise TypeError(f"A plan is a list of names of tools with their arguments, such as {_EXAMPLE}.")
    return planned(toolkit, [(toolkit.get_tool(name), arguments) for name, arguments in calls])


def _is_pair(call: Any) -> bool:
    return isinstance(call, (tuple, list)) and len(call) == 2


def _outlines(calls: Sequence[tuple[ActiveCampaignTool, Mapping[str, Any]]]) -> list[Action]:
    """The calls as far as their arguments alone tell them; raises where one cannot be made, or is there twice."""
    if not calls:
        raise ValueError(f"There is nothing to plan. Give calls such as {_EXAMPLE}.")
    if len(calls) > _MOST:
        raise ValueError(
            f"{len(calls)} calls are too many to decide on at once. Plan {_MOST} at most, then the next ones."
        )
    found: list[Action] = []
    places: dict[str, int] = {}
    for number, (tool, arguments) in enumerate(calls, 1):
        if not isinstance(arguments, Mapping):
            raise ValueError(
                f"Call {number} ({tool.name}) has {arguments!r} for arguments. Give a mapping of names to values."
            )
        try:
            found.append(ToolJob(tool, arguments, Origin()).outline())
        except InvalidCall as error:
            raise InvalidCall(f"Call {number} cannot be planned, and nobody was asked: {error}") from None
        same = places.setdefault(canonical([tool.name, dict(found[-1].arguments)]), number)
        if same != number:
            raise ValueError(
                f"Call {number} is the same as call {same}, and an approval is for one call, once. Leave it out."
            )
    return found


def _place() -> tuple[str, str] | None:
    """The thread and the task of a graph that this code runs in; None outside."""
    given = (var_child_runnable_config.get() or {}).get("configurable") or {}
    task = str(given.get("checkpoint_ns") or "")
    return (str(given.get("thread_id") or ""), task) if task else None

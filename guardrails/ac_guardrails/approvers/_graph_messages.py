"""What a LangGraph interrupt says and what may be answered to it: the question as JSON, the answer as decisions.

Several interfaces show such interrupts, each reads other keys of them, and each answers in a shape of its own. The
question carries the keys of all of them; the reader of answers knows their shapes and takes nothing else for an answer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import NoneType
from typing import Any

from ac_guardrails._approvals import ApprovalRequest, Card, Decision
from ac_guardrails._canonical import canonical
from ac_guardrails._text import inert, quoted

# Never "respond": LangChain hands a response to the model as the success of the tool.
_ALLOWED = ("approve", "edit", "reject")
_KINDS = {
    "approve": "approve",
    "accept": "approve",
    "edit": "edit",
    "reject": "reject",
    "ignore": "reject",
    "respond": "reject",
    "response": "reject",
}
_EDITS = ("edited_action", "editedAction", "args")
_KEYS = {"type", "message", *_EDITS}
_SHAPE = (
    'as {"decisions": [{"type": "approve"}]}, where the type is approve, reject (with a message) or edit '
    "(with an edited_action of name and args)"
)
_LONGEST = 100_000
_DEEPEST = 32
_BARE = {str: "a bare text", bool: "a bare truth value", NoneType: "nothing", dict: "an object", list: "a list"}


@dataclass(frozen=True)
class Unusable:
    """An answer that decides nothing.

    Args:
        reason: What was wrong with it and what is expected, as a clause.
    """

    reason: str


class _Misread(Exception):  # noqa: N818 - never leaves this module
    """The answer is none that we know; says why."""


def payload(questions: Sequence[ApprovalRequest], *, note: str = "", calls: Sequence[str] = ()) -> dict[str, Any]:
    """What `interrupt` is called with to ask these questions, in the words of every interface that may show them.

    Args:
        questions: One or more actions that wait for a person, in the order in which they are to be answered.
        note: What the person must know first, such as why their last answer decided nothing.
        calls: The ids of the model's tool calls, in the same order; empty where they are not known.

    Raises:
        ValueError: There is no question, or there is not one id for each.
    """
    if not questions:
        raise ValueError("There is nothing to ask.")
    if calls and len(calls) != len(questions):
        raise ValueError(f"{len(questions)} questions have {len(calls)} call ids.")
    requests = [_action_request(question, note) for question in questions]
    asked: dict[str, Any] = {
        "action_requests": requests,
        "review_configs": [{"action_name": one["name"], "allowed_decisions": list(_ALLOWED)} for one in requests],
        "approval_ids": [question.id for question in questions],
        "expires_at": min(question.expires for question in questions).isoformat(timespec="seconds"),
    }
    if told := inert(note, limit=600):
        asked["note"] = told
    if len(requests) == 1:
        asked |= _alone(requests[0], calls[0] if calls else "")
    return asked


def parse(answer: Any, questions: Sequence[ApprovalRequest], *, by: str) -> tuple[Decision, ...] | Unusable:
    """The decisions that an answer makes, one for each question; what is not clearly all of them is none of them.

    Args:
        answer: What the graph was resumed with, whoever wrote it.
        questions: What was asked, as it was given to `payload`.
        by: The name of the person who answers. An answer's own word on that is not taken.

    Raises:
        ValueError: `by` is blank.
    """
    try:
        if trouble := _trouble(answer, _most(questions)):
            raise _Misread(trouble)
        raw = _in_order(answer, questions)
        return tuple(_decision(one, question, by) for one, question in zip(raw, questions, strict=True))
    except _Misread as error:
        count = len(questions)
        wanted = "one decision" if count == 1 else f"{count} decisions, in the order of the questions"
        return Unusable(f"{error}; expected is {wanted}, {_SHAPE}")


def _action_request(question: ApprovalRequest, note: str) -> dict[str, Any]:
    shown = _shown(question)
    # Released versions of Agent Inbox read `arguments`, everything else reads `args`.
    description = _markdown(question.card, note)
    return {"name": question.action.tool, "args": shown, "arguments": shown, "description": description}


def _alone(request: Mapping[str, Any], call: str) -> dict[str, Any]:
    """What a single question carries besides: LangChain's request for one tool call, and the older human interrupt."""
    name, args = request["name"], request["args"]
    return {
        "type": "tool_approval",
        "tool_call_id": call,
        "name": name,
        "args": args,
        "description": request["description"],
        "action_request": {"action": name, "args": args},
        # To respond is the only way to say no with a reason there, and to ignore the only one without: both reject.
        "config": {"allow_accept": True, "allow_edit": True, "allow_respond": True, "allow_ignore": True},
    }


def _shown(question: ApprovalRequest) -> dict[str, Any]:
    """The arguments as plain JSON; half a surrogate pair, which no checkpoint can hold, is shown as on the card."""
    shown: dict[str, Any] = json.loads(re.sub("[\ud800-\udfff]", "\ufffd", canonical(question.action.arguments)))
    return shown


@lru_cache(maxsize=64)  # each run of a paused call says the same again
def _markdown(card: Card, note: str) -> str:
    """The card in Markdown.

    Each text is made inert, whoever wrote it, and stands in a code span. Escaping them would not do: interfaces make
    links of bare addresses and formulas of what stands between dollars, however escaped, and one of them lets HTML
    through.
    """
    rows = [f"- {_label(label)}: {_code(text)}".rstrip() for label, text in card.rows]
    parts = (_code(note), _bold(card.title), "\n".join(rows), _bold(card.warning))
    return "\n\n".join(part for part in parts if part)


def _label(text: str) -> str:
    label = inert(text)
    return label if label.replace(" ", "").isalnum() else _code(label)


def _bold(text: str) -> str:
    code = _code(text)
    return f"**{code}**" if code else ""


def _code(text: str) -> str:
    """One line of code, whose fence is longer than every run of backticks in the text."""
    line = inert(text, limit=600)
    if "`" not in line:
        return f"`{line}`" if line else ""
    fence = "`" * (1 + max(len(run) for run in re.findall("`+", line)))
    return f"{fence} {line} {fence}"


def _most(questions: Sequence[ApprovalRequest]) -> int:
    """How long an answer may be: some interfaces send the arguments back, and escaped once more."""
    return max(_LONGEST, 3 * sum(len(canonical(question.action.arguments)) for question in questions))


def _trouble(value: Any, most: int = _LONGEST) -> str:
    """What forbids to read a value as JSON at all; empty where nothing does. Looks at no more of it than it has to."""
    waiting, size = [(value, 0)], 0
    while waiting:
        part, depth = waiting.pop()
        size += len(part) if type(part) in (str, list, dict) else 1
        if size > most or depth > _DEEPEST:
            return "it is too long or too deeply nested"
        if type(part) is dict:
            if any(type(key) is not str for key in part):
                return "it has keys that are no text"
            waiting += [(each, depth + 1) for pair in part.items() for each in pair]
        elif type(part) is list:
            waiting += [(each, depth + 1) for each in part]
        elif type(part) not in (str, int, float, bool, NoneType):
            return "it holds something that is no JSON"
    try:
        return "it is too long" if len(canonical(value)) > most else ""
    except ValueError:
        return "it holds a number that is no JSON"


def _in_order(answer: Any, questions: Sequence[ApprovalRequest]) -> list[Any]:
    """The raw decisions, one for each question."""
    if isinstance(answer, list):
        raw = answer
    elif isinstance(answer, dict):
        raw = _of_object(dict(answer), questions)
    else:
        raise _Misread(f"it is {_named(answer)}")
    if not raw or len(raw) != len(questions):
        raise _Misread(f"it decided {len(raw)} of {len(questions)}")
    return raw


def _of_object(said: dict[str, Any], questions: Sequence[ApprovalRequest]) -> list[Any]:
    ids = [question.id for question in questions]
    _check_echoes(said, questions)
    if "decisions" in said:
        raw = said.pop("decisions")
        if said or not isinstance(raw, list):
            raise _Misread("its decisions are no list, or something stands beside them")
        return raw
    if "type" in said:
        return [said]
    if said and set(said) <= set(ids) and len(ids) == len(set(ids)):
        return [said[id_] for id_ in ids if id_ in said]
    raise _Misread("it has neither decisions nor a type, and its keys are not the approval ids")


def _check_echoes(said: dict[str, Any], questions: Sequence[ApprovalRequest]) -> None:
    """What an answer repeats of the question must be this question; it is taken out."""
    for key in ("approval_ids", "approvalIds"):
        if key in said and said.pop(key) != [question.id for question in questions]:
            raise _Misread("it answers other questions than these")
    for key in ("action_requests", "actionRequests"):
        if key in said and not _same_calls(said.pop(key), questions):
            raise _Misread("it repeats other calls than these")


def _same_calls(echo: Any, questions: Sequence[ApprovalRequest]) -> bool:
    if not isinstance(echo, list) or not all(isinstance(one, dict) for one in echo):
        return False
    asked = [[question.action.tool, _shown(question)] for question in questions]
    return canonical([[one.get("name"), one.get("args")] for one in echo]) == canonical(asked)


def _decision(raw: Any, question: ApprovalRequest, by: str) -> Decision:
    if not isinstance(raw, dict):
        raise _Misread(f"one of its decisions is {_named(raw)}")
    word = raw.get("type")
    if not isinstance(word, str):
        raise _Misread("a decision has no type")
    kind = _KINDS.get(word)
    if kind is None:
        raise _Misread(f"a decision has the unknown type {quoted(word, limit=40)}")
    if unknown := set(raw) - _KEYS:
        raise _Misread(f"a decision has the unknown key {quoted(min(unknown), limit=40)}")
    said = {key: value for key, value in raw.items() if key != "type" and value is not None}
    if kind == "reject":
        return Decision.reject(_reason(said), by=by)
    return _consent(kind, said, question, by)


def _reason(said: Mapping[str, Any]) -> str:
    """Why it was rejected: LangChain's `message`, or what Agent Inbox puts into `args`."""
    texts = [said[key] for key in ("message", "args") if key in said]
    if len(texts) != len(said) or len(texts) > 1 or not all(isinstance(text, str) for text in texts):
        raise _Misread("a rejection carries something else than one message")
    return texts[0].strip() if texts else ""


def _consent(kind: str, said: Mapping[str, Any], question: ApprovalRequest, by: str) -> Decision:
    """An approval, or an edit. Arguments as they were shown are what was shown, whichever of both brings them."""
    if len(said) > 1 or not set(said) <= set(_EDITS if kind == "edit" else ("args",)):
        raise _Misread(f"a decision to {kind} carries something that does not belong to it")
    if kind == "approve" and not said:
        return Decision.approve(by=by)
    shown = _shown(question)
    arguments = _edited(next(iter(said.values()), None), question.action.tool, shown)
    if canonical(arguments) == canonical(shown):
        return Decision.approve(by=by)
    if kind == "approve":
        raise _Misread("it approves other arguments than those shown")
    return Decision.edit(arguments, by=by)


def _edited(action: Any, tool: str, shown: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of an action that came back."""
    if not isinstance(action, dict) or set(action) not in ({"name", "args"}, {"action", "args"}):
        raise _Misread("an edited action is not a name and args")
    if action.get("name", action.get("action")) != tool:
        raise _Misread(f"an edit may change the arguments of {tool}, but not the tool")
    if not isinstance(action["args"], dict):
        raise _Misread("the args of an edited action are no object")
    return {key: _restored(value, shown.get(key, "")) for key, value in action["args"].items()}


def _restored(value: Any, before: Any) -> Any:
    """Interfaces let people edit texts only, so what was no text before comes back as the JSON of it."""
    if isinstance(before, str) or not isinstance(value, str):
        return value
    try:
        restored = json.loads(value)
    except (ValueError, RecursionError):
        return value
    return value if _trouble(restored, max(_LONGEST, len(value))) else restored


def _named(value: Any) -> str:
    return _BARE.get(type(value), "a bare number")

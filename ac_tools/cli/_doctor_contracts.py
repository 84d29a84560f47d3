"""`ac-tools doctor --contracts`: an account's answers beside what they were known to be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ac_guardrails import Answer, Guard
from ac_tools import ActiveCampaign, ForbiddenError, NotFoundError, PaymentRequiredError
from ac_tools.cli._check import Finding, look
from ac_tools.contracts import Contract, Difference, Kind, contracts
from ac_tools.tools import TOOLS

Result = Literal["same", "differs", "empty", "unavailable", "skipped", "wrong"]
_KINDS: tuple[Kind, ...] = ("new", "missing", "type", "order")
_FAULTS = {"missing", "type"}  # a program that reads records by their keys breaks by these
_RECORDS = 3
_AREAS = {tool.model_fields["name"].default: tool.endpoint.area for tool in TOOLS}
_REPLIES = {tool.model_fields["name"].default: tool.endpoint.reply for tool in TOOLS}


@dataclass(frozen=True, slots=True)
class Comparison:
    """What became of comparing one endpoint.

    Args:
        contract: What was known of it.
        result: same, differs, empty (there were no records), unavailable (the account does not offer it), skipped
            (there was no record to ask for), or wrong (it could not be read).
        status: The HTTP status, where there was an answer.
        records: How many records were compared.
        differences: How the answer differs.
        detail: Why it could not be compared.
    """

    contract: Contract
    result: Result
    status: int | None = None
    records: int = 0
    differences: tuple[Difference, ...] = ()
    detail: str = ""

    @property
    def ok(self) -> bool:
        """Whether nothing is missing or of another type."""
        return self.result != "wrong" and not any(each.kind in _FAULTS for each in self.differences)


def areas() -> tuple[str, ...]:
    """The areas that are read."""
    return tuple(dict.fromkeys(_AREAS[each.tool] for each in _reads()))


def comparisons(account: ActiveCampaign, guard: Guard) -> Iterator[Comparison]:
    """Read a few records from each endpoint that can be read, and compare.

    Args:
        account: The account.
        guard: A guard that lets the areas be read.
    """
    ids: dict[str, list[str]] = {}
    for contract in _reads():
        collection, _, below = contract.path.partition("/{")
        if not below:
            answer = look(guard, account, _AREAS[contract.tool], collection, limit=_RECORDS)
            ids[collection] = _ids(_records(contract, answer.artifact.data)) if answer.ok else []
            yield _compared(contract, answer)
            continue
        tail = below.partition("}")[2]
        found = Comparison(contract, "skipped", detail=f"not compared: there are no {collection[1:]} to look at")
        for number in ids[collection]:  # one is enough, unless nothing hangs on it
            found = _compared(contract, look(guard, account, _AREAS[contract.tool], f"{collection}/{number}{tail}"))
            if found.result != "empty":
                break
        yield found


def findings(compared: Iterator[Comparison] | list[Comparison]) -> list[Finding]:
    """The same for a person to read."""
    return [Finding(f"GET {each.contract.path}", _sign(each), _in_words(each)) for each in compared]


def as_json(each: Comparison) -> Mapping[str, Any]:
    """The same for machines."""
    contract = each.contract
    return {
        "tool": contract.tool,
        "method": contract.method,
        "path": contract.path,
        "known_as_of": contract.as_of,
        "evidence": contract.evidence,
        "result": each.result,
        "status": each.status,
        "records": each.records,
        **{kind: [_place(one) for one in each.differences if one.kind == kind] for kind in _KINDS},
        "detail": each.detail,
    }


def _reads() -> list[Contract]:
    """The endpoints that read, collections first: they have the ids that the others need."""
    return sorted((each for each in contracts() if each.method == "GET"), key=lambda each: "{" in each.path)


def _compared(contract: Contract, answer: Answer) -> Comparison:
    if not answer.ok:
        # A plan without the feature or a user without the permission is nothing that has changed.
        gated = isinstance(answer.artifact, (ForbiddenError, NotFoundError, PaymentRequiredError))
        status = answer.artifact.status if gated else None
        return Comparison(contract, "unavailable" if gated else "wrong", status, detail=answer.content)
    reply = answer.artifact
    found = contract.of_reply(reply.status, reply.data)
    records = len(_records(contract, reply.data))
    result: Result = "differs" if found else "same" if records else "empty"
    return Comparison(contract, result, reply.status, records, found)


def _records(contract: Contract, data: Any) -> list[Any]:
    found = data.get(_REPLIES[contract.tool]) if isinstance(data, dict) else None
    return found if isinstance(found, list) else [found] if found else []


def _ids(records: list[Any]) -> list[str]:
    """The ids that are some: they become part of a path."""
    ids = (str(each.get("id")) for each in records if isinstance(each, dict))
    return [each for each in ids if each.isascii() and each.isdigit()]


def _sign(each: Comparison) -> Literal["ok", "wrong", "skipped"]:
    if not each.ok:
        return "wrong"
    return "skipped" if each.result in ("unavailable", "skipped") else "ok"


def _in_words(each: Comparison) -> str:
    contract = each.contract
    if each.detail:
        return f"not available: {each.detail}" if each.result == "unavailable" else each.detail
    if each.differences:
        told = "; ".join(str(one) for one in each.differences)
        return f"{told} (known on {contract.as_of}, {contract.evidence})"
    none = ", but there were no records to compare" if each.result == "empty" else ""
    return f"as known on {contract.as_of} ({contract.evidence}){none}"


def _place(difference: Difference) -> dict[str, str]:
    return {"place": difference.place, "was": difference.was, "now": difference.now}

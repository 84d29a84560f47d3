"""What an account does otherwise than the sandbox, step by step, and which of its settings would do the same."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from itertools import islice, product
from typing import Any, Literal

from ac_tools.contracts import Difference
from ac_tools.recording._shape import differences
from ac_tools.recording._steps import Seen, Step
from ac_tools.sandbox import Settings

Answers = Mapping[str, Seen]
"""The answers of a tour, by their steps."""

Play = Callable[[Settings], Answers]
"""Plays the tour on a fresh sandbox of these settings."""

Result = Literal["same", "differs", "refused", "unknown"]
Verdict = Literal["as assumed", "otherwise", "none fits", "fixed", "not told"]

_MOST = 200  # combinations of settings that are tried for one group of steps
_GATED = (402, 403)
_DEFAULTS = {field.name: field.default for field in fields(Settings)}
_FIXED = {field.name for field in fields(Settings) if not field.init}


@dataclass(frozen=True, slots=True)
class StepFinding:
    """What became of comparing one step.

    Args:
        step: Its name.
        result: same; differs; refused where the account does not offer it (402, 403); unknown where no step has this
            name today.
        account: The account's status.
        sandbox: The sandbox's status.
        says: The differences in words.
        differences: Those of the replies' form.
    """

    step: str
    result: Result
    account: int
    sandbox: int | None = None
    says: tuple[str, ...] = ()
    differences: tuple[Difference, ...] = ()


@dataclass(frozen=True, slots=True)
class SettingFinding:
    """What the recording says of one setting.

    Args:
        setting: Its name.
        verdict: as assumed; otherwise, where `value` does the same as the account; none fits; fixed, where the account
            does otherwise and it cannot be set; not told, where the answers say nothing about it.
        value: The value with which the sandbox answers as the account did; None for none.
        default: The sandbox's default.
        steps: The steps that it rests on.
    """

    setting: str
    verdict: Verdict
    value: Any
    default: Any
    steps: tuple[str, ...]


def compare_steps(recorded: Answers, sandbox: Answers, tour: Sequence[Step]) -> list[StepFinding]:
    """Compare each recorded step with the same step on a sandbox.

    Args:
        recorded: The account's answers.
        sandbox: The sandbox's.
        tour: All steps.
    """
    by_name = {step.name: step for step in tour}
    found = []
    for name, seen in recorded.items():
        if name not in by_name or name not in sandbox:
            found.append(StepFinding(name, "unknown", seen.status))
        else:
            found.append(_compared(by_name[name], recorded, sandbox))
    return found


def compare_settings(recorded: Answers, play: Play, tour: Sequence[Step]) -> list[SettingFinding]:
    """Find the value of each setting with which the sandbox answers as the account did.

    Args:
        recorded: The account's answers.
        play: Plays the tour on a sandbox; called once for each combination of settings that is tried.
        tour: All steps.
    """
    told = [step for step in tour if step.settles and outcome(step, recorded) is not None]
    known = lru_cache(maxsize=None)(play)
    found: dict[str, tuple[Verdict, Any]] = {}
    for group in _groups(told):
        found.update(_settled(sorted(group), [step for step in told if group & set(step.settles)], recorded, known))
    return [
        SettingFinding(
            name,
            *found.get(name, ("not told", None)),
            default=default,
            steps=tuple(step.name for step in told if name in step.settles),
        )
        for name, default in _DEFAULTS.items()
        if any(name in step.settles for step in tour)
    ]


def outcome(step: Step, answers: Answers) -> tuple[int, str | None] | None:
    """What an answer shows of the behaviour that a step settles; None where it shows nothing."""
    seen = answers.get(step.name)
    if seen is None:
        return None
    told = step.tells(seen, answers) if step.tells else None
    return None if step.tells and told is None and seen.status < 400 else (seen.status, told)


def _settled(
    names: Sequence[str], steps: Sequence[Step], recorded: Answers, play: Play
) -> Iterator[tuple[str, tuple[Verdict, Any]]]:
    """The verdict on settings that hang together, since they decide on the same steps."""
    wanted = {step.name: outcome(step, recorded) for step in steps}
    if all(not Settings.choices(name) for name in names):
        yield from ((name, _uncounted(name, steps, wanted, play(Settings()))) for name in names)
        return
    for values in _combinations(names):
        answers = play(Settings(**values))
        if all(outcome(step, answers) == wanted[step.name] for step in steps):
            for name in names:
                yield name, _at(name, values.get(name, _DEFAULTS[name]))
            return
    gated = any(each is not None and each[0] in _GATED for each in wanted.values())
    yield from ((name, ("not told" if gated else "none fits", None)) for name in names)


def _uncounted(name: str, steps: Sequence[Step], wanted: Mapping[str, Any], answers: Answers) -> tuple[Verdict, Any]:
    """The verdict on a setting whose values cannot all be tried: one that is fixed, or a number that was told."""
    if all(outcome(step, answers) == wanted[step.name] for step in steps):
        return _at(name, _DEFAULTS[name])
    if name in _FIXED:
        return "fixed", None
    told = next((each[1] for each in wanted.values() if each and each[1]), None)
    try:
        return _at(name, getattr(Settings.of([f"{name}={told}"]), name))
    except ValueError:
        return "none fits", None


def _at(name: str, value: Any) -> tuple[Verdict, Any]:
    return ("as assumed" if value == _DEFAULTS[name] else "otherwise"), value


def _combinations(names: Sequence[str]) -> Iterable[dict[str, Any]]:
    """All values of some settings, those that change the fewest defaults first."""
    choices = [Settings.choices(name) or (_DEFAULTS[name],) for name in names]
    changed = [
        {name: value for name, value in zip(names, values, strict=True) if value != _DEFAULTS[name]}
        for values in product(*choices)
    ]
    return islice(sorted(changed, key=len), _MOST)


def _groups(steps: Iterable[Step]) -> list[set[str]]:
    """Settings that share a step, directly or through others."""
    groups: list[set[str]] = []
    for step in steps:
        joined = set(step.settles)
        for group in [group for group in groups if group & joined]:
            groups.remove(group)
            joined |= group
        groups.append(joined)
    return groups


def _compared(step: Step, recorded: Answers, sandbox: Answers) -> StepFinding:
    theirs, ours = recorded[step.name], sandbox[step.name]
    gated = step.with_key and theirs.status in _GATED and ours.status not in _GATED
    found: tuple[Difference, ...] = ()
    if theirs.kind == ours.kind == "json" and (theirs.status < 400) == (ours.status < 400):
        found = differences(theirs.data, ours.data)
    says = tuple(dict.fromkeys((*_in_words(step, recorded, sandbox), *map(_said, found))))
    result: Result = "refused" if gated else "differs" if says else "same"
    return StepFinding(step.name, result, theirs.status, ours.status, says, found)


def _in_words(step: Step, recorded: Answers, sandbox: Answers) -> Iterator[str]:
    theirs, ours = recorded[step.name], sandbox[step.name]
    bodies = {"json": "JSON", "empty": "an empty body", "other": "something that is no JSON"}
    pairs: list[tuple[Any, Any]] = [
        (theirs.status, ours.status),
        (bodies[theirs.kind], bodies[ours.kind]),
        (_code(theirs), _code(ours)),
    ]
    if step.tells:
        told, here = step.tells(theirs, recorded), step.tells(ours, sandbox)
        pairs.append((told, here) if told and here else (None, None))
    if theirs.status >= 400 and ours.status >= 400:
        pairs.append((_codes(theirs), _codes(ours)))
    yield from (f"the account answers {one}, the sandbox {other}" for one, other in pairs if one != other)


def _code(seen: Seen) -> str:
    return "an X-Ac-Error" if "x-ac-error" in seen.headers else "no X-Ac-Error"


def _codes(seen: Seen) -> str:
    """The codes of a refusal, in words."""
    errors = seen.at("errors")
    codes = [str(each["code"]) for each in errors if isinstance(each, dict) and "code" in each] if errors else []
    return f"the code {', '.join(codes)}" if codes else "no code"


def _said(difference: Difference) -> str:
    where = difference.place
    match difference.kind:
        case "new":
            return f"the account also has {where}"
        case "missing":
            return f"the account has no {where}"
        case "order":
            return f"the account has the keys of {where} in another order, from {difference.now} on"
        case _:
            return f"in the account {where} is {difference.now}, in the sandbox {difference.was}"

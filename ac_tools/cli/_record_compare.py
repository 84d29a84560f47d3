"""`ac-tools record --compare`: what an account does otherwise than the sandbox, and which settings would do it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ac_guardrails import inert
from ac_tools.cli._console import fail, print_json, stdout
from ac_tools.recording import (
    TOUR,
    FolderError,
    SettingFinding,
    StepFinding,
    compare_settings,
    compare_steps,
    play_on_sandbox,
    seen_in,
)
from ac_tools.sandbox import Settings

if TYPE_CHECKING:
    from rich.table import Table

_MOST_SAID = 6
_VERDICTS = ("otherwise", "none fits", "fixed", "as assumed", "not told")
_RESULTS = ("differs", "refused", "unknown", "same")


def compare(folder: Path, *, as_json: bool) -> None:
    """Compare and tell. Differences are findings, so the command ends with 0.

    Args:
        folder: The recording.
        as_json: For machines.
    """
    try:
        recorded = seen_in(folder)
    except FolderError as error:
        fail(str(error), code=2)
    writes = any(step.is_write and step.name in recorded for step in TOUR)

    def play(settings: Settings) -> Any:
        return play_on_sandbox(settings, writes=writes)

    steps = compare_steps(recorded, play(Settings()), TOUR)
    settings = compare_settings(recorded, play, TOUR)
    if as_json:
        print_json({"steps": [asdict(each) for each in steps], "settings": [asdict(each) for each in settings]})
    else:
        _print(steps, settings)


def _print(steps: Sequence[StepFinding], settings: Sequence[SettingFinding]) -> None:
    console = stdout()
    rows = [(each.step, _said(each)) for each in steps if each.result != "same"]
    if rows:
        console.print("Steps at which the account answers otherwise", style="bold")
        console.print(_table(rows))
    rows = [(each.setting, _judged(each)) for each in settings if each.verdict in ("otherwise", "none fits", "fixed")]
    if rows:
        console.print("Assumptions that do not hold", style="bold")
        console.print(_table(rows))
    console.print(f"{len(steps)} steps: {_counted([each.result for each in steps], _RESULTS)}.", soft_wrap=True)
    console.print(f"{len(settings)} assumptions: {_counted([each.verdict for each in settings], _VERDICTS)}.")


def _table(rows: Sequence[tuple[str, str]]) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE, show_header=False, padding=(0, 1), pad_edge=False, expand=True)
    table.add_column(ratio=1, overflow="fold")
    table.add_column(ratio=2, overflow="fold")
    for name, text in rows:
        table.add_row(Text(inert(name)), Text(inert(text, limit=2000)))
    return table


def _said(finding: StepFinding) -> str:
    if finding.result == "unknown":
        return "this version of ac-tools has no such step; record the account anew"
    if finding.result == "refused":
        return f"the account does not allow it ({finding.account}), so there is nothing to compare"
    more = len(finding.says) - _MOST_SAID
    return "; ".join((*finding.says[:_MOST_SAID], *((f"and {more} more, see --json",) if more > 0 else ())))


def _judged(finding: SettingFinding) -> str:
    name, default = finding.setting, _shown(finding.default)
    if finding.verdict == "fixed":
        return f"the account does otherwise than «{default}», which is fixed in the sandbox"
    if finding.verdict == "none fits":
        choices = ", ".join(_shown(each) for each in Settings.choices(name)) or default
        return f"the account behaves as none of its values ({choices}): see {', '.join(finding.steps)}"
    value = _shown(finding.value)
    return (
        f"the account behaves as «{value}», the sandbox's default is «{default}»: "
        f"ac-tools sandbox serve --set {name}={value}"
    )


def _shown(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _counted(found: Sequence[str], order: Sequence[str]) -> str:
    return ", ".join(f"{found.count(word)} {word}" for word in order if word in found)

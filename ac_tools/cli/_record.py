"""`ac-tools record`: how an account answers, as cassettes that may be published, and what it does otherwise."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ac_tools.cli._console import fail, is_interactive, print_json, say, stdout
from ac_tools.cli._options import AsJson, By, LedgerUrl, name_of

if TYPE_CHECKING:
    from ac_tools.recording import Listened, Tour


def record(
    out: Annotated[
        Path | None, typer.Option("--out", help="The folder to write; an earlier recording in it is replaced.")
    ] = None,
    compare: Annotated[
        Path | None,
        typer.Option("--compare", help="Compare the recording in this folder with the embedded account instead."),
    ] = None,
    allow_writes: Annotated[
        bool, typer.Option("--allow-writes", help="Write, too: on records that are made for it and removed again.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before writing.")] = False,
    sandbox: Annotated[bool, typer.Option("--sandbox", help="Record the embedded account instead.")] = False,
    ledger: LedgerUrl = None,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Record how an account answers, with everything private taken out, or compare such a recording with the sandbox.

    The account is the one of ACTIVECAMPAIGN_URL and ACTIVECAMPAIGN_API_KEY. Without --allow-writes it is only read.

    The files are YAML that vcrpy replays. Texts stay in them only where they are known to be nobody's.
    Read them all the same before you publish them.

    --compare needs neither a network nor a key.
    """
    if (out is None) == (compare is None):
        fail("Give --out FOLDER to record an account, or --compare FOLDER to compare a recording.", code=2)
    if compare is not None:
        if allow_writes or yes or sandbox:
            fail("--compare only reads a folder: leave --allow-writes, --yes and --sandbox out.", code=2)
        from ac_tools.cli._record_compare import compare as comparing

        comparing(compare, as_json=as_json)
    elif out is not None:
        _record(out, writes=allow_writes, asks=not yes, sandbox=sandbox, ledger=ledger, by=by, as_json=as_json)


def _record(
    out: Path, *, writes: bool, asks: bool, sandbox: bool, ledger: str | None, by: str | None, as_json: bool
) -> None:
    from ac_tools.cli._ledger_file import open_existing
    from ac_tools.recording import FolderError, LeakError, Listened, Tour, TourError, embedded
    from ac_tools.recording import record as recording

    name = name_of(by)
    opened = open_existing(ledger) if ledger else "memory:"
    with embedded() if sandbox else Listened.from_env() as account:
        if writes and asks:
            _ask(account)
        tour = Tour(account, writes=writes, by=name, ledger=opened, tell=say)
        try:
            played = recording(account, tour, out)
        except FolderError as error:
            fail(str(error), code=2)
        except (TourError, LeakError) as error:
            fail(str(error))
        finally:
            _tell_left(tour)
    _tell(out, tour, len(played), as_json=as_json)


def _ask(account: Listened) -> None:
    """Ask the person whether to write; without one nothing is written."""
    if not is_interactive():
        fail("--allow-writes asks before it writes, and there is no terminal to ask in. Give --yes to agree.", code=2)
    say(
        f"In {account.host} this makes, and removes again at its end:\n"
        "  contacts with addresses at example.com, tags, lists, custom fields, a company, and a pipeline with deals,\n"
        "  each with «rec» and eight digits or letters in its name.\n"
        "It mails nobody. Automations and webhooks that begin with any new contact, tag or deal begin with these, too."
    )
    if not typer.confirm("Go on?", err=True):
        fail("Nothing was sent.")


def _tell_left(tour: Tour) -> None:
    """What was made and could not be removed."""
    if tour.left:
        paths = "\n".join(f"  DELETE /api/3/{collection}/{number}" for collection, number in tour.left)
        say(f"These were made by this run and could not be removed. Delete them in ActiveCampaign, or with\n{paths}")


def _tell(out: Path, tour: Tour, played: int, *, as_json: bool) -> None:
    if as_json:
        left = [f"/{collection}/{number}" for collection, number in tour.left]
        print_json({"folder": str(out), "steps": played, "skipped": tour.skipped, "left": left})
    else:
        stdout().print(f"Recorded {played} steps in {out}.", soft_wrap=True)
        if tour.skipped:
            stdout().print(f"Skipped {len(tour.skipped)}, since what they need was not there: {_few(tour.skipped)}.")
        stdout().print(f"Read the files before you publish them. Next: ac-tools record --compare {out}", soft_wrap=True)
    if tour.left:
        raise typer.Exit(1)


def _few(names: list[str]) -> str:
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(names[:5]) + more

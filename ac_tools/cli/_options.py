"""Options that several commands take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ac_tools.cli._console import fail

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
GrantsFile = Annotated[Path, typer.Argument(envvar="ACTIVECAMPAIGN_GRANTS", exists=True, dir_okay=False)]
LedgerUrl = Annotated[
    str | None,
    typer.Option(envvar="ACTIVECAMPAIGN_LEDGER", help="The ledger, such as sqlite:///ledger.db.", show_default=False),
]
By = Annotated[
    str | None, typer.Option(help="Your name, for the record; by default the login name.", show_default=False)
]


def name_of(by: str | None) -> str:
    """The name of the person who gives a command."""
    from ac_guardrails.approvers.terminal import login_name

    if by is not None and not by.strip():
        fail("--by needs a name, for the record.", code=2)
    return login_name() if by is None else by.strip()

"""Options that several commands take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
GrantsFile = Annotated[Path, typer.Argument(envvar="ACTIVECAMPAIGN_GRANTS", exists=True, dir_okay=False)]

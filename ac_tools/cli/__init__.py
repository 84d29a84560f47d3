"""The command line: `ac-tools`."""

from __future__ import annotations

import sys

__all__ = ["main"]


def main() -> None:
    """Run `ac-tools` with the arguments of this process."""
    from ac_tools.cli._app import app

    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a name in another script must not end a command
    app()

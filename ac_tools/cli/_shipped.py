"""The files that the command line brings along."""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).parent
_EXAMPLES = _HERE.parents[1] / "examples"
_FILES = {"leads.csv": _EXAMPLES / "data" / "leads.csv", "grants.yaml": _EXAMPLES / "grants.yaml"}


def shipped(name: str) -> Path:
    """Find a file that ships with the package: among the installed ones, else in the source tree.

    Args:
        name: "leads.csv" or "grants.yaml".
    """
    installed = _HERE / "data" / name
    return installed if installed.is_file() else _FILES[name]

"""How far a walk or an import is, drawn for a person: one line that grows, in a terminal and in a notebook alike."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, TextIO

from langchain_core.callbacks import BaseCallbackHandler

from ac_tools._progress import EVENT

_WIDTH = 24


class ProgressBar(BaseCallbackHandler):
    """A callback that draws how far a tool is: `tool.invoke(call, {"callbacks": [ProgressBar()]})`.

    Args:
        file: Where it draws. By default on the terminal, or below the notebook's cell; where there is neither, as in a
            log, it draws nothing.
    """

    def __init__(self, file: TextIO | None = None) -> None:
        self._file = file or _screen()
        self._length = 0

    def show(self, told: Mapping[str, Any]) -> None:
        """Draw it anew.

        Args:
            told: The data of one of our progress events: `progress`, `total` and `message`.
        """
        line = _drawn(told["progress"], told["total"], told["message"])
        self._write(f"\r{line:<{self._length}}")
        self._length = len(line)

    def close(self) -> None:
        """End the line, if one was begun."""
        if self._length:
            self._write("\n")
        self._length = 0

    def on_custom_event(self, name: str, data: Any, **_: Any) -> None:
        """A tool has told how far it is."""
        if name == EVENT:
            self.show(data)

    def on_tool_end(self, output: Any, **_: Any) -> None:
        """The tool is done."""
        self.close()

    def on_tool_error(self, error: BaseException, **_: Any) -> None:
        """The tool has failed."""
        self.close()

    def _write(self, text: str) -> None:
        if self._file is not None:
            self._file.write(text)
            self._file.flush()


def _drawn(done: int, total: int | None, message: str) -> str:
    if not total:
        return message
    full = _WIDTH * min(done, total) // total
    return f"{'█' * full}{'░' * (_WIDTH - full)} {message}"


def _screen() -> TextIO | None:
    """Where a person looks; None where nobody does."""
    if type(sys.stdout).__module__.startswith("ipykernel"):
        return sys.stdout  # notebooks put a frame around what is written to stderr, as around errors
    return sys.stderr if sys.stderr is not None and sys.stderr.isatty() else None

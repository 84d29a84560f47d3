"""Walking a whole collection through its tool, so that every page is decided on and recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from langchain_core.messages import ToolMessage

from ac_tools._progress import Progress
from ac_tools._progress_bar import ProgressBar
from ac_tools.tools import ActiveCampaignTool

_SIZE = 100


class Pages:
    """The calls that fetch one page after another.

    Contacts are walked by id, since offsets grow slow and shift under writes; other collections by offset.
    Neither the total nor a full page is trusted alone: it ends at a page without anything new.

    Args:
        tool: The tool that lists the collection.
        arguments: Its arguments but for the page.
        drawn: Whether to draw how far it is.
    """

    def __init__(self, tool: ActiveCampaignTool, arguments: Mapping[str, Any], *, drawn: bool = False) -> None:
        self.tool = tool
        self._bar = ProgressBar() if drawn else None
        self._arguments = dict(arguments)
        self._by_id = tool.name == "ac_list_contacts" and not {"orders", "id_greater"} & set(arguments)
        self._offset = 0
        self._last_id = 0
        self._calls = 0
        self._read = 0
        self._total: int | None = None
        self._done = False

    def next_call(self) -> dict[str, Any] | None:
        """The tool call for the next page; None at the end."""
        if self._done:
            return None
        self._calls += 1
        place = {"id_greater": self._last_id} if self._by_id else {"offset": self._offset}
        args = {**self._arguments, "limit": _SIZE, **place}
        return {"type": "tool_call", "id": f"walk-{self._calls}", "name": self.tool.name, "args": args}

    def feed(self, message: ToolMessage) -> Sequence[Any]:
        """The page's records, typed.

        Raises:
            PermissionError: The guard refused the page, or the account failed.
        """
        if message.status == "error":
            raise PermissionError(str(message.content))
        items = message.artifact.items
        ids = [int(item.id) for item in items if item.id.isdigit()]
        moved = bool(ids) and max(ids) > self._last_id
        self._offset += len(items)
        self._done = (
            not items or (self._by_id and not moved) or (not self._by_id and message.artifact.next_offset is None)
        )
        self._last_id = max((self._last_id, *ids))
        found = items if moved or not self._by_id else ()
        self._read += len(found)
        if self._calls == 1:  # by id, each page's total is that of the rest
            self._total = message.artifact.total
        if self._bar:
            self._bar.show(asdict(self.progress()))
        return found

    def close(self) -> None:
        """Nobody wants more of it."""
        if self._bar:
            self._bar.close()

    def progress(self) -> Progress:
        """How far it is."""
        total = None if self._total is None else max(self._total, self._read)
        of = "" if total is None else f" of {total}"
        return Progress(self.tool.name, self._read, total, f"{self._read}{of} records are read")

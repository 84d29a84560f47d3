"""Walking a whole collection through its tool, so that every page is decided on and recorded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from langchain_core.messages import ToolMessage

from ac_tools.tools import ActiveCampaignTool

_SIZE = 100


class Pages:
    """The calls that fetch one page after another.

    Contacts are walked by id, since offsets grow slow and shift under writes; other collections by offset.
    Neither the total nor a full page is trusted alone: it ends at a page without anything new.

    Args:
        tool: The tool that lists the collection.
        arguments: Its arguments but for the page.
    """

    def __init__(self, tool: ActiveCampaignTool, arguments: Mapping[str, Any]) -> None:
        self.tool = tool
        self._arguments = dict(arguments)
        self._by_id = tool.name == "ac_list_contacts" and not {"orders", "id_greater"} & set(arguments)
        self._offset = 0
        self._last_id = 0
        self._calls = 0
        self._done = False

    def next_call(self) -> dict[str, Any] | None:
        """The tool call for the next page; None at the end."""
        if self._done:
            return None
        self._calls += 1
        place = {"id_greater": self._last_id} if self._by_id else {"offset": self._offset}
        args = {**self._arguments, "limit": _SIZE, **place}
        return {"type": "tool_call", "id": f"walk-{self._calls}", "name": self.tool.name, "args": args}

    def feed(self, message: ToolMessage) -> Iterator[Any]:
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
        if moved or not self._by_id:
            yield from items

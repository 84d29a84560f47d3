"""An account's Remote MCP server under the same guard as the REST tools. Needs the extra `mcp`."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ac_tools.remote_mcp._classes import CLASSES, Row, ToolClass, catalog_of

if TYPE_CHECKING:
    from ac_tools.remote_mcp._offers import Offer
    from ac_tools.remote_mcp._remote import RemoteMCP, look
    from ac_tools.remote_mcp._sign_in import sign_in
    from ac_tools.remote_mcp._tool import RemoteTool

# What grants may name stands in the classes; the rest loads the MCP library, which few programs need.
_HOMES = {"Offer": "_offers", "RemoteMCP": "_remote", "RemoteTool": "_tool", "look": "_remote", "sign_in": "_sign_in"}

__all__ = ["CLASSES", "Offer", "RemoteMCP", "RemoteTool", "Row", "ToolClass", "catalog_of", "look", "sign_in"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)

"""An account's Remote MCP server under the same guard as the REST tools. Needs the extra `mcp`."""

from ac_tools.remote_mcp._classes import CLASSES, Row, ToolClass, catalog_of
from ac_tools.remote_mcp._offers import Offer
from ac_tools.remote_mcp._remote import RemoteMCP, look
from ac_tools.remote_mcp._sign_in import sign_in
from ac_tools.remote_mcp._tool import RemoteTool

__all__ = ["CLASSES", "Offer", "RemoteMCP", "RemoteTool", "Row", "ToolClass", "catalog_of", "look", "sign_in"]

"""One agent's tools as an MCP server, for Claude, Cursor and any other client: `ac-tools mcp` in Python.

    guard = Guard(Grants.from_file("grants.yaml"), approver=AskClient(by="Hannah"), ledger="sqlite:///ledger.db")
    toolkit = ActiveCampaignToolkit(account=account, guard=guard, agent="marketing")
    asyncio.run(serve_stdio(ToolServer(toolkit)))

It needs the extra `mcp`.
"""

from ac_tools.mcp_server._approver import AskClient
from ac_tools.mcp_server._http import http_app, serve_http
from ac_tools.mcp_server._server import ToolServer
from ac_tools.mcp_server._stdio import serve_stdio
from ac_tools.mcp_server._tokens import Tokens

__all__ = ["AskClient", "Tokens", "ToolServer", "http_app", "serve_http", "serve_stdio"]

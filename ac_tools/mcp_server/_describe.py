"""Our tools as MCP describes tools, and their answers as it gives them back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain_core.messages import ToolMessage
from langchain_core.utils.function_calling import convert_to_openai_function
from mcp.types import CallToolResult, TextContent, Tool, ToolAnnotations

from ac_tools.mcp_server._outputs import output_schema, structured

if TYPE_CHECKING:
    from ac_tools.tools import ActiveCampaignTool


def described(tool: ActiveCampaignTool) -> Tool:
    """A tool for `tools/list`, with the very schema that a model sees of it in LangChain.

    The annotations are hints for the client. The guard never relies on them.
    """
    title = tool.name.removeprefix("ac_").replace("_", " ").capitalize()
    return Tool(
        name=tool.name,
        title=title,
        description=tool.description,
        inputSchema=convert_to_openai_function(tool)["parameters"],
        outputSchema=output_schema(tool),
        annotations=ToolAnnotations(title=title, **(tool.metadata or {})),
    )


def result_of(message: ToolMessage) -> CallToolResult:
    """An answer: the words for the model, and the typed record or the refusal beside them."""
    return CallToolResult(
        content=[TextContent(type="text", text=str(message.content))],
        structuredContent=structured(message.artifact),
        isError=message.status == "error",
    )


def failed(reason: str) -> CallToolResult:
    """The answer where the guard itself could not give one."""
    refusal = {"refusal": {"kind": "failed", "reason": reason, "entry": ""}}
    return CallToolResult(content=[TextContent(type="text", text=reason)], structuredContent=refusal, isError=True)

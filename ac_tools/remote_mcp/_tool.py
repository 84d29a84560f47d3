"""One of the server's tools as a LangChain tool, behind the guard."""

# Annotations are not postponed here: LangChain evaluates those of `_run` anew at each call.
from collections.abc import Mapping
from functools import cache
from typing import Any

from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool
from pydantic import BaseModel, ConfigDict, PrivateAttr, create_model

from ac_guardrails import quoted
from ac_guardrails._job import Job
from ac_guardrails._origin import Origin
from ac_guardrails._steps import Sender
from ac_tools.remote_mcp._asked import Target
from ac_tools.remote_mcp._classes import PREFIX
from ac_tools.remote_mcp._job import RemoteJob
from ac_tools.remote_mcp._schema import shown
from ac_tools.tools._base import ActiveCampaignTool, Binding
from ac_tools.tools._origins import with_runtime


class RemoteTool(ActiveCampaignTool):
    """A tool of an account's Remote MCP server. Made by `RemoteMCP`.

    Args:
        target: The server's tool, and for whom it is.
        binding: The account, guard and agent.
    """

    _target: Target = PrivateAttr()

    def __init__(self, *, target: Target, binding: Binding) -> None:
        BaseTool.__init__(
            self,
            name=f"{PREFIX}{target.name}",
            description=_described(target),
            args_schema=shown(target.offer.schema),
            metadata=_hints(target),
        )
        self._target = target
        self._binding = binding

    @property
    def tool_call_schema(self) -> Any:
        """The arguments as models see them."""
        return {**self._schema(), "description": self.description}

    def get_input_schema(self, config: RunnableConfig | None = None) -> type[BaseModel]:
        """A model that takes whatever is said: the server's own schema is looked at behind the guard."""
        return with_runtime(_anything())

    def job(self, raw: Mapping[str, Any], origin: Origin) -> Job:
        """A call of it."""
        return RemoteJob(self._target, raw, origin)

    @property
    def sender(self) -> Sender:
        """What carries its calls."""
        return self._target.sender

    def _schema(self) -> dict[str, Any]:
        assert isinstance(self.args_schema, dict)
        return self.args_schema


@cache
def _anything() -> type[BaseModel]:
    return create_model("RemoteArguments", __config__=ConfigDict(extra="allow"))


def _described(target: Target) -> str:
    """What it is, in our words; what the server says of it is data."""
    ours = f"{target.of.does[:1].upper()}{target.of.does[1:]}." if target.of else "Nobody has classified this tool."
    theirs = (
        f" The server says of it: {quoted(target.offer.description, limit=400)}" if target.offer.description else ""
    )
    return f"{ours} Records are named by id.{theirs}"


def _hints(target: Target) -> dict[str, Any]:
    """Annotations as MCP names them, from our own table: the server's are not relied on."""
    from ac_guardrails import Level

    needs = target.of.needs if target.of else ()
    return {
        "readOnlyHint": bool(needs) and not (target.of and target.of.is_write),
        "destructiveHint": any(need.level == Level.FULL for need in needs),
    }

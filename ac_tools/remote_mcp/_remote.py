"""An account's Remote MCP server, and the tools of it that an agent may use."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Self

from mcp import ClientSession
from pydantic import SecretStr

from ac_guardrails import Grants, Guard
from ac_guardrails._display import Displayed
from ac_tools._account import ActiveCampaign
from ac_tools._catalog import catalog
from ac_tools._errors import ConfigurationError
from ac_tools.remote_mcp._address import Address, address_of, broken
from ac_tools.remote_mcp._asked import Target
from ac_tools.remote_mcp._classes import PREFIX, ToolClass, catalog_of
from ac_tools.remote_mcp._connection import Connection, Streams
from ac_tools.remote_mcp._http import over_http
from ac_tools.remote_mcp._offers import Offer
from ac_tools.remote_mcp._operator import classified
from ac_tools.remote_mcp._provider import signed_in
from ac_tools.remote_mcp._sender import RemoteSender
from ac_tools.remote_mcp._tool import RemoteTool
from ac_tools.tools._base import ActiveCampaignTool, Binding
from ac_tools.tools._by_name import tool_class


class RemoteMCP(Displayed):
    """The tools of an account's Remote MCP server, under the same grants, approvals and ledger as the REST tools.

    What a tool is, a table says for the 50 documented ones; what nobody has classified is denied. The server's own
    annotations and descriptions decide nothing.

    Args:
        url: The Remote MCP URL of Settings > Developer > MCP. A key in it is treated as the secret that it is.
        guard: What stands between the tools and the account.
        agent: The agent whose grants apply.
        account: The same account over REST: for the facts that decide, the cards, names, and settling. Without one,
            what facts could raise is taken to be raised, names are not known, and lost answers are settled by hand.
        tokens: The file that `sign_in` has made, where the server wants OAuth.
        classes: Tools beyond the documented ones, as {"tool": {"area": ..., "level": ...}} or a YAML file.
        timeout: Seconds to wait for an answer.
        streams: Opens another connection than that to the URL, for tests.

    Raises:
        ConfigurationError: Something of it cannot be used. The text never shows the URL.
    """

    host = ""
    """What the account is called in the ledger."""
    agent = ""

    def __init__(
        self,
        url: str | SecretStr,
        *,
        guard: Guard,
        agent: str,
        account: ActiveCampaign | None = None,
        tokens: str | os.PathLike[str] | None = None,
        classes: Mapping[str, Any] | str | os.PathLike[str] | None = None,
        timeout: float = 60.0,
        streams: Streams | None = None,
    ) -> None:
        address, fault = address_of(url)
        del url  # it may hold a key, and errors show what a frame holds
        if address is None:
            raise ConfigurationError(fault)
        if not agent:
            raise ConfigurationError("RemoteMCP needs the name of the agent whose grants apply: agent=.")
        found = classified(classes, guard.grants.catalog)
        self._classes: Mapping[str, ToolClass] = {one.name: one for one in found}
        self.guard = guard.granting(_knowing(guard.grants, found))
        self.agent = agent
        self.account = account
        opens = streams or _over_http(address, tokens, timeout)
        self._connection = Connection(opens, timeout=timeout, broken=broken(address))
        self.host = account.host if account else f"{address.host}/mcp"
        self._sender = RemoteSender(self._connection, host=self.host, account=account)
        # Without an account the REST tools only say what an act is: nothing is ever sent through this one.
        self._rest = account or ActiveCampaign(url=f"https://{address.host}", key="none", limit=None)

    def __repr__(self) -> str:
        return f"RemoteMCP({self.host!r}, agent={self.agent!r})"

    def get_tools(self) -> list[RemoteTool]:
        """The server's tools that the agent's grants open, as the server lists them now.

        Raises:
            ActiveCampaignError: The server cannot be reached, or does not accept the sign-in.
        """
        return self._granted(self._connection.run(self._listed))

    async def aget_tools(self) -> list[RemoteTool]:
        """The same on an event loop."""
        return self._granted(await self._connection.arun(self._listed))

    def get_tool(self, name: str) -> RemoteTool:
        """One of the server's tools, whether it is granted or not: a call that is not granted is refused and recorded.

        Raises:
            ValueError: The server offers none of that name.
        """
        offers = self._connection.run(self._listed)
        name = name if name in offers else name.removeprefix(PREFIX)  # as the tool is called, or as the server calls it
        if name not in offers:
            raise ValueError(f"The server offers no tool {name!r}.")
        return self._made(offers[name])

    def unclassified(self) -> dict[str, Offer]:
        """The server's tools that nobody has classified, which nobody may use; with what the server says of them."""
        offers = self._connection.run(self._listed)
        return {name: offer for name, offer in offers.items() if name not in self._classes}

    def close(self) -> None:
        """End the session with the server. The account and the ledger stay open."""
        self._connection.close()
        if self.account is None:
            self._rest.close()

    async def _listed(self, session: ClientSession) -> Mapping[str, Offer]:
        return await self._connection.listed(session)

    def _granted(self, offers: Mapping[str, Offer]) -> list[RemoteTool]:
        grants = self.guard.grants
        chosen = [name for name in self._classes if name in offers]
        return [
            self._made(offers[name])
            for name in chosen
            if all(grants.level(self.agent, need.area) >= need.level for need in self._classes[name].needs)
        ]

    def _made(self, offer: Offer) -> RemoteTool:
        of = self._classes.get(offer.name)
        target = Target(offer.name, of, offer, self._sender, self.guard, self.agent, self._twin(of))
        return RemoteTool(target=target, binding=Binding(self._rest, self.guard, self.agent))

    def _twin(self, of: ToolClass | None) -> ActiveCampaignTool | None:
        kind = tool_class(of.twin) if of and of.twin else None
        return kind(account=self._rest, guard=self.guard, agent=self.agent) if kind else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()


def _knowing(grants: Grants, classes: tuple[ToolClass, ...]) -> Grants:
    """The same grants, for which the server's tools are known."""
    held = {
        agent: {area: grant for area in grants.catalog.areas if (grant := grants.grant(agent, area)) is not None}
        for agent in grants.agents
    }
    own, known = catalog_of(classes), {tool.name for tool in grants.catalog.named}
    fresh = tuple(tool for tool in own.tools if tool.name not in known)
    return Grants(held, grants.catalog.joined(type(own)(own.name, own.areas, fresh)))


def _over_http(address: Address, tokens: str | os.PathLike[str] | None, timeout: float) -> Streams:
    if tokens is not None and address.has_key:
        raise ConfigurationError("The URL holds a key, so no tokens are used beside it. Give one of both.")
    auth = signed_in(address.public, tokens) if tokens is not None else None
    return over_http(address, timeout=timeout, auth=auth)


def look(
    url: str | SecretStr,
    *,
    tokens: str | os.PathLike[str] | None = None,
    classes: Mapping[str, Any] | str | os.PathLike[str] | None = None,
    timeout: float = 60.0,
) -> dict[str, tuple[Offer, ToolClass | None]]:
    """What a Remote MCP server offers, and what each tool is; None where nobody has classified it. Nothing is called.

    Args:
        url: As for `RemoteMCP`.
        tokens: As for `RemoteMCP`.
        classes: As for `RemoteMCP`.
        timeout: Seconds to wait for an answer.

    Raises:
        ActiveCampaignError: Something of it cannot be used, or the server cannot be reached.
    """
    address, fault = address_of(url)
    del url
    if address is None:
        raise ConfigurationError(fault)
    known = {one.name: one for one in classified(classes, catalog)}
    connection = Connection(_over_http(address, tokens, timeout), timeout=timeout, broken=broken(address))
    try:
        return {name: (offer, known.get(name)) for name, offer in connection.run(connection.listed).items()}
    finally:
        connection.close()

"""The toolkit: one agent's tools on one account, behind one guard."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from langchain_core.tools import BaseToolkit
from pydantic import ConfigDict, Field

from ac_guardrails import Grants, Guard, Settlement
from ac_tools._account import ActiveCampaign

if TYPE_CHECKING:
    from ac_guardrails import Explanation, Replay
    from ac_tools._sets import CallSet
    from ac_tools.tools import ActiveCampaignTool
    from ac_tools.undo import Undone, UndoPlan


class ActiveCampaignToolkit(BaseToolkit):
    """Exactly the tools that an agent's grants allow, bound to its name.

    Args:
        account: The account.
        guard: What stands between the tools and the account.
        agent: The agent whose grants apply.
        behalf: The person on whose behalf it works, for the record and the cards; empty where nobody is named.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True, frozen=True, extra="forbid")

    account: ActiveCampaign = Field(repr=False)
    guard: Guard = Field(repr=False)
    agent: str = Field(min_length=1)
    behalf: str = ""

    @classmethod
    def from_env(cls) -> Self:
        """The toolkit that the environment describes.

        ACTIVECAMPAIGN_URL and ACTIVECAMPAIGN_API_KEY name the account, ACTIVECAMPAIGN_GRANTS the grants file,
        ACTIVECAMPAIGN_LEDGER the ledger, ACTIVECAMPAIGN_AGENT the agent.

        Raises:
            ConfigurationError: One of them is missing or cannot be used.
        """
        from ac_tools.tools._base import agent_from_env, guard_from_env

        return cls(account=ActiveCampaign.from_env(), guard=guard_from_env(), agent=agent_from_env())

    def for_agent(self, agent: str) -> Self:
        """The same account and guard for another agent.

        Raises:
            ValueError: This is the toolkit of an agent that works for another one, which it may not turn into.
        """
        if "/" in self.agent:
            raise ValueError(f"{self.agent} works for another agent, and cannot become {agent!r}. Narrow it further.")
        return type(self)(account=self.account, guard=self.guard, agent=agent, behalf=self.behalf)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """The same toolkit once more, for another person perhaps; it cannot become another agent's on the way.

        Raises:
            ValueError: Something else of it is to be changed.
        """
        if bound := set(update or ()) - {"behalf"}:
            raise ValueError(
                f"A toolkit is bound to its account, guard and agent: {', '.join(sorted(bound))} cannot be changed. "
                "Use for_agent(...) or narrow(...)."
            )
        return super().model_copy(update=update, deep=deep)

    def narrow(self, name: str, *, grants: Grants | Mapping[str, Any], behalf: str = "") -> Self:
        """The toolkit of a sub-agent: it may do what both its own grants and this agent's allow, and never more.

        Limits hold for both: what the sub-agent does also uses up this agent's. It is on record, and on cards, as
        "agent/name".

        Args:
            name: What the sub-agent is called.
            grants: What it may do, area by area, such as {"contacts": "read"}; or grants that name it.
            behalf: The person on whose behalf it works; whom this toolkit names, by default.

        Raises:
            ValueError: The name cannot be used, or this agent has no grants.
            GrantsError: The grants say something that they may not.
        """
        if not isinstance(grants, Grants):
            grants = Grants.from_dict({"agents": {name: grants}}, catalog=self.guard.grants.catalog)
        both = self.guard.grants.delegated(self.agent, name, grants)
        guard, agent = self.guard.granting(both), f"{self.agent}/{name}"
        return type(self)(account=self.account, guard=guard, agent=agent, behalf=behalf or self.behalf)

    def get_tools(  # type: ignore[override]  # narrower by keyword only, and of our own type
        self,
        *,
        include: Collection[str] | None = None,
        exclude: Collection[str] = (),
        read_only: bool = False,
    ) -> list[ActiveCampaignTool]:
        """The tools that the agent's grants open; none where it has no grants.

        Args:
            include: Only these names.
            exclude: All but these names.
            read_only: Only the tools that change nothing.

        Raises:
            ValueError: A name is none of the 29.
        """
        from ac_guardrails import Level

        if isinstance(include, str) or isinstance(exclude, str):
            raise TypeError('include and exclude take a list of names, such as ["ac_list_tags"].')
        classes = _classes()
        for name in (*(include or ()), *exclude):
            _known(name, classes)
        granted = self.guard.grants.tools(self.agent)
        chosen = [name for name in granted if name in classes and (include is None or name in include)]
        tools = [classes[name] for name in chosen if name not in exclude]
        return [self._made(tool) for tool in tools if not read_only or tool.endpoint.level == Level.READ]

    def get_tool(self, name: str) -> ActiveCampaignTool:
        """One tool, whether it is granted or not: a call that is not granted is refused and recorded.

        Raises:
            ValueError: The name is none of the 29.
        """
        classes = _classes()
        _known(name, classes)
        return self._made(classes[name])

    def explain(self, tool: str, arguments: Mapping[str, Any] | None = None) -> Explanation:
        """What the grants say of a call, by which rule, and what would be needed; nothing is read, sent or recorded.

        Args:
            tool: The tool's name.
            arguments: What the call would say, as a model would.

        Raises:
            ValueError: The name is none of the 29, or the arguments cannot be used.
        """
        from ac_tools._explain import explanation_of

        return explanation_of(self.get_tool(tool), arguments or {})

    def replay(self, grants: Grants, *, agent: str | None = None, since: float | datetime | None = None) -> Replay:
        """What other grants would have said to the calls on the guard's ledger; nothing is read from the account.

        Args:
            grants: The grants to try.
            agent: Only this agent's calls; those of all agents without it.
            since: Only calls that began at or after this time, in epoch seconds or as an aware datetime.
        """
        from ac_guardrails import replay
        from ac_tools._explain import outline_by

        return replay(grants, self.guard.ledger, agent=agent, since=since, outline=outline_by(self))

    def walk(self, tool: str, *, progress: bool = False, **arguments: Any) -> Iterator[Any]:
        """All records of a collection, page by page, each page through the guard.

        Args:
            tool: A tool that lists a collection, such as "ac_list_contacts".
            progress: Whether to draw how far it is, in the terminal or below the notebook's cell.
            arguments: Its arguments, without `limit` and `offset`.

        Raises:
            PermissionError: The guard refused a page.
        """
        from ac_tools._walk import Pages

        with closing(Pages(self.get_tool(tool), arguments, drawn=progress)) as pages:
            while (call := pages.next_call()) is not None:
                records = pages.feed(pages.tool.invoke(call))
                pages.progress().tell()
                yield from records

    async def awalk(self, tool: str, *, progress: bool = False, **arguments: Any) -> AsyncIterator[Any]:
        """The same on an event loop."""
        from ac_tools._walk import Pages

        with closing(Pages(self.get_tool(tool), arguments, drawn=progress)) as pages:
            while (call := pages.next_call()) is not None:
                records = pages.feed(await pages.tool.ainvoke(call))
                await pages.progress().atell()
                for record in records:
                    yield record

    def plan(self, calls: Sequence[tuple[str, Mapping[str, Any]]]) -> CallSet:
        """Ask a person once about several calls. Nothing is sent before `run()` of what is returned.

        Each call that needs a person gets an approval of its own, which covers what it would cover had the call been
        asked about alone, and counts as long. Calls that need none are not asked about, nor is one that cannot be
        asked about yet, such as tagging a contact that another call creates: it asks for itself when it runs. In a task
        of a graph the same calls are the same set, however often the task runs.

        Args:
            calls: 1 to 50 names of tools with their arguments, such as ("ac_add_tag", {"contact": 46, "tag": "VIP"}).

        Raises:
            ValueError: A name is none of the 29, arguments cannot be used, a call is there twice, or there are none or
                too many. Nobody was asked.
        """
        from ac_guardrails._steps import drive
        from ac_tools._sets import named

        return drive(named(self, calls), self.account)

    async def aplan(self, calls: Sequence[tuple[str, Mapping[str, Any]]]) -> CallSet:
        """The same on an event loop."""
        from ac_guardrails._steps import adrive
        from ac_tools._sets import named

        return await adrive(named(self, calls), self.account)

    def settle(self, entry: str = "") -> list[Settlement]:
        """Find out what became of writes whose answer never came, by reading them back; nothing is sent again.

        A write that is not there yet may still land, so it counts as not having happened only when it is absent twice,
        the second time a minute after it was cut off (the guard's `settle_after`).

        Args:
            entry: Only this ledger entry; all that are open without it.

        Returns:
            What is known of each now, in the order in which they were made.

        Raises:
            StoppedError: Somebody has stopped the guard, reads included.
        """
        from ac_tools.tools._by_name import reading_back

        return self.guard.settle(self.account, reading_back, host=self.account.host, entry=entry)

    async def asettle(self, entry: str = "") -> list[Settlement]:
        """The same on an event loop."""
        from ac_tools.tools._by_name import reading_back

        return await self.guard.asettle(self.account, reading_back, host=self.account.host, entry=entry)

    def undo_plan(self, entry: str) -> UndoPlan:
        """What `undo` would do: the calls, the level that each needs, and what cannot be restored. Reads alone.

        Args:
            entry: The ledger entry of the write.

        Raises:
            UndoError: It cannot be taken back; the text says why, and what can be done instead.
        """
        from ac_guardrails._steps import drive
        from ac_tools.undo._undo import Undo

        return drive(Undo(self, entry).plan(), self.account)

    async def aundo_plan(self, entry: str) -> UndoPlan:
        """The same on an event loop."""
        from ac_guardrails._steps import adrive
        from ac_tools.undo._undo import Undo

        return await adrive(Undo(self, entry).plan(), self.account)

    def undo(self, entry: str, *, by: str) -> Undone:
        """Take a write back, if its record is still as the write has left it.

        The calls that do it are this toolkit's agent's: its grants and limits hold, people are asked as for any call,
        and each is on record as undoing the entry. Called again, it goes on with what is left and repeats nothing.

        Args:
            entry: The ledger entry of the write.
            by: The person for whom it is done, for the record. It is no approval.

        Returns:
            What became of each call; `complete` where all of it is taken back.

        Raises:
            UndoError: It cannot be taken back; the text says why, and what can be done instead. Nothing was sent.
            StoppedError: Somebody has stopped the guard, reads included.
        """
        from ac_guardrails._steps import drive
        from ac_tools.undo._undo import Undo

        return drive(Undo(self, entry, by=by).run(), self.account)

    async def aundo(self, entry: str, *, by: str) -> Undone:
        """The same on an event loop."""
        from ac_guardrails._steps import adrive
        from ac_tools.undo._undo import Undo

        return await adrive(Undo(self, entry, by=by).run(), self.account)

    def close(self) -> None:
        """Close the account's connections and the ledger."""
        self.account.close()
        self.guard.ledger.close()

    async def aclose(self) -> None:
        """The same on an event loop."""
        await self.account.aclose()
        self.guard.ledger.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def _made(self, tool: type[ActiveCampaignTool]) -> ActiveCampaignTool:
        return tool(account=self.account, guard=self.guard, agent=self.agent, behalf=self.behalf)


def _classes() -> dict[str, type[ActiveCampaignTool]]:
    from ac_tools.tools import ALL_TOOLS

    return {tool.model_fields["name"].default: tool for tool in ALL_TOOLS}


def _known(name: str, classes: dict[str, type[ActiveCampaignTool]]) -> None:
    if not isinstance(name, str):
        raise TypeError(f"{name!r} is no name of a tool. Use one such as 'ac_list_tags'.")
    if name not in classes:
        from difflib import get_close_matches

        close = get_close_matches(name, classes, n=1)
        raise ValueError(f"There is no tool {name!r}." + (f" Did you mean {close[0]!r}?" if close else ""))

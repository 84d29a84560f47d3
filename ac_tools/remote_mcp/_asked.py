"""One call as the server would get it: checked against the schema that the server has now, and what is known of it."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ac_guardrails import Answer, Guard, InvalidCall, Level, Need, Refusal, Request, inert
from ac_guardrails._job import Exchange
from ac_tools.remote_mcp._arguments import Said, by_name
from ac_tools.remote_mcp._classes import ToolClass
from ac_tools.remote_mcp._offers import Offer
from ac_tools.remote_mcp._schema import checked
from ac_tools.remote_mcp._sender import CALLS, LIST, RemoteSender
from ac_tools.remote_mcp._twins import unknown_to
from ac_tools.tools._card import argument_rows

if TYPE_CHECKING:
    from ac_tools.tools._base import ActiveCampaignTool

_CHANGED = "what the server takes for this, so that what was agreed to before does not count any more"
_NOTHING: tuple[object, ...] = (None, False, 0, "0", "", [])


@dataclass(frozen=True)
class Target:
    """One of the server's tools, and for whom it is.

    Args:
        name: Its name on the server.
        of: What a person has decided that it is; None where nobody has.
        offer: The tool as it was listed when the agent got it.
        sender: What carries its calls.
        guard: What decides on them.
        agent: Whose calls they are.
        twin: The REST tool that does the same act.
    """

    name: str
    of: ToolClass | None
    offer: Offer
    sender: RemoteSender
    guard: Guard
    agent: str
    twin: ActiveCampaignTool | None = None


class Asked:
    """One call of one of the server's tools.

    Args:
        target: The tool.
        arguments: What was asked for, as JSON.
    """

    def __init__(self, target: Target, arguments: Mapping[str, Any]) -> None:
        self.target = target
        self.arguments = _without_nulls(deepcopy(dict(arguments)))  # whoever changes it later has changed another thing
        self.offer = target.offer
        self.said: dict[str, Said] = {}
        self.unknown: list[str] = []
        """The arguments of a write that nobody has classified."""

    @property
    def of(self) -> ToolClass:
        """What the tool is."""
        assert self.target.of is not None
        return self.target.of

    def check(self) -> None:
        """Validate the arguments, and see what is known of them.

        Raises:
            InvalidCall: They do not fit the server's schema; or nobody knows what one of them means, where the agent's
                grants are narrowed.
        """
        checked(self.target.name, self.arguments, self.offer.schema)
        self.said = by_name(self.arguments, self.of)
        strange = unknown_to(self.target.twin, self.of, self.said)
        narrowed = self.target.guard.grants.narrowed(self.target.agent)
        if strange and narrowed:
            name = inert(strange[0], limit=60)
            raise InvalidCall(
                f"{self.target.name} was not called: nobody has classified its argument {name!r}, and "
                f"{self.target.agent} may use only some {', '.join(sorted(narrowed))}s. Leave it out."
            )
        self.unknown = strange if self.of.is_write else []

    def renewed(self, *, again: bool) -> Exchange:
        """Look at the server's list again, where it may have changed; an Answer where the tool is gone.

        Args:
            again: Whether somebody may have agreed to what it was before, so that nothing remembered will do.
        """
        offers = None if again else self.target.sender.offers(for_write=self.of.is_write)
        if offers is None:
            offers = yield Request("GET", LIST)
        offer = offers.get(self.target.name)
        if offer is None:
            reason = f"The server no longer offers {self.target.name}. Nothing was sent."
            return Answer(reason, Refusal("not_found", reason), ok=False)
        if offer.digest != self.offer.digest:
            self.offer = offer
            self.check()
        return None

    def request(self) -> Request:
        """What is decided on, and sent: it names the schema too, so that no approval survives another one."""
        method = "POST" if self.of.is_write else "GET"
        return Request(method, f"{CALLS}{self.target.name}", (("schema", self.offer.digest),), self.arguments)

    def raised(self, needs: tuple[Need, ...]) -> tuple[Need, ...]:
        """The grants that it needs, with what its arguments raise."""
        sends = [name for name in self.of.raises if name in self.said and self.said[name].value not in _NOTHING]
        if not sends and not self.unknown:
            return needs
        return (replace(needs[0], level=Level.FULL), *needs[1:])

    def why(self, otherwise: str) -> str:
        """Why a person should look at it, as a clause."""
        return f"It says {self._strange()}, which nobody has classified" if self.unknown else otherwise

    def rows(self) -> tuple[tuple[str, str], ...]:
        """What the server would be told, exactly."""
        (_, text), *more = argument_rows(self.arguments)
        strange = (("Not classified", self._strange()),) if self.unknown else ()
        changed = (("Changed since", _CHANGED),) if self.offer.digest != self.target.offer.digest else ()
        return (("Remote MCP", f"{self.target.name} {text}"), *more, *strange, *changed)

    def _strange(self) -> str:
        return inert(", ".join(self.unknown), limit=120)


def _without_nulls(value: Any) -> Any:
    """What is null counts as not said, as by REST: the API would take it for a value, and move a deal back."""
    if not isinstance(value, dict):
        return value
    return {key: _without_nulls(inner) for key, inner in value.items() if inner is not None}

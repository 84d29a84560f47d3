"""The tool that every endpoint's class extends: LangChain on the outside, the guard on the inside."""

# Annotations are not postponed here: LangChain evaluates those of `_run` anew at each call.
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Literal, final

from langchain_core.messages import ToolMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool
from pydantic import BaseModel, ConfigDict, PrivateAttr

from ac_guardrails import Answer, Guard, Level, Need, Reference, Refusal, Request
from ac_guardrails._finding import Finding, ReadBack
from ac_guardrails._job import Exchange, Job
from ac_guardrails._origin import Origin
from ac_guardrails._steps import Sender
from ac_tools._account import ActiveCampaign
from ac_tools.tools._arguments import Arguments
from ac_tools.tools._call import Call
from ac_tools.tools._endpoint import Endpoint, foreign_needs
from ac_tools.tools._job import ToolJob
from ac_tools.tools._origins import CALLING, Calling, origin_of, with_runtime
from ac_tools.tools._portrait import name_records
from ac_tools.tools._references import Ref

_SEALED = ("_run", "_arun", "run", "arun", "invoke", "ainvoke", "_to_args_and_kwargs", "_parse_input")


@dataclass(frozen=True)
class Binding:
    """Whose tool this is. Bound when the tool is made; nothing that a model or a caller says later changes it."""

    account: ActiveCampaign
    guard: Guard
    agent: str
    behalf: str = ""


class ActiveCampaignTool(BaseTool):
    """A LangChain tool for one endpoint, behind the guard.

    A subclass declares its endpoint and says how its reply reads; the guard, the two worlds and the errors are here.

    Args:
        account: The account; from ACTIVECAMPAIGN_URL and ACTIVECAMPAIGN_API_KEY by default.
        guard: The guard; from ACTIVECAMPAIGN_GRANTS and ACTIVECAMPAIGN_LEDGER by default.
        agent: The agent whose grants apply; ACTIVECAMPAIGN_AGENT by default.
        behalf: The person on whose behalf it works; empty where nobody is named.
    """

    model_config = ConfigDict(defer_build=True)

    endpoint: ClassVar[Endpoint]
    sentence: ClassVar[str]
    """What the tool does, as an infinitive, with the arguments' names in braces; filled with ids and counts only."""
    plain: ClassVar[str] = ""
    """The same for people, filled with names and values."""
    defaults: ClassVar[Mapping[str, str]] = {}
    """Query parameters that are sent unless the call says otherwise."""
    followups: ClassVar[tuple[tuple[str, str], ...]] = ()
    """Method and path of further requests of the same act, which need the first one's reply."""

    response_format: Literal["content", "content_and_artifact"] = "content_and_artifact"
    _binding: Binding | None = PrivateAttr(None)

    def __init__(
        self,
        *,
        account: ActiveCampaign | None = None,
        guard: Guard | None = None,
        agent: str | None = None,
        behalf: str = "",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._binding = Binding(
            account or ActiveCampaign.from_env(), guard or guard_from_env(), agent or agent_from_env(), behalf
        )
        self._binding.account.share_budget(self._binding.guard.ledger)
        if self.metadata is None:
            self.metadata = hints(self.endpoint)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for name in _SEALED:
            if name in cls.__dict__:
                raise TypeError(f"{cls.__name__} may not override {name}: the guard sits there. Implement answer().")

    @property
    def binding(self) -> Binding:
        """The account, guard and agent that the tool was made for."""
        private = self.__pydantic_private__  # the way to it that pydantic has for private attributes is a long one
        binding: Binding | None = private["_binding"] if private else None
        if binding is None:
            raise PermissionError(f"{self.name} is bound to no guard, so it does nothing.")
        return binding

    def job(self, raw: Mapping[str, Any], origin: Origin) -> Job:
        """One call of it, as the guard carries it through."""
        return ToolJob(self, raw, origin)

    @property
    def sender(self) -> Sender:
        """What carries the requests that the guard has permitted."""
        return self.binding.account

    @property
    def looks(self) -> bool:
        """Whether it reads what decides."""
        return type(self).look is not ActiveCampaignTool.look

    # What a subclass may say about its endpoint. All of it is pure but `look` and `perform`, which yield requests.

    def check(self, call: Call) -> None:
        """Refuse arguments that are wrong together, by raising InvalidCall."""

    def needs(self, call: Call) -> tuple[Need, ...]:
        """The grants that the arguments alone call for."""
        return (self.endpoint.need, *foreign_needs(call.references, self.endpoint.area))

    def look(self, call: Call) -> Exchange:
        """Read what decides; an Answer ends the call with nothing sent."""
        return None
        yield  # a generator, like the ones that read something

    def portray(self, call: Call) -> Exchange:
        """Read what a consent rests on, once it is clear that a person must have agreed: what the records are called.

        What only the card needs is read where `call.is_shown`; it may come after a time when it was not.
        """
        yield from name_records(call)

    def snapshot(self, call: Call) -> Exchange:
        """What stands now where the call writes, as JSON, so that it can be taken back; read just before it is sent.

        None where the call itself tells enough, or the account does not say it: a write does not wait for its undo.
        """
        return None
        yield  # a generator, like the ones that read something

    def build(self, call: Call) -> Request:
        """The request, from the declaration: path, query or body."""
        wire = call.wire()
        path = self.endpoint.path.format_map({name: _integer(wire.pop(name)) for name in self._in_path()})
        if self.endpoint.method == "GET":
            return Request("GET", path, query({**self.defaults, **wire}))
        if self.endpoint.method == "DELETE":
            return Request("DELETE", path)
        return Request(self.endpoint.method, path, body={self.endpoint.wrap: wire} if self.endpoint.wrap else wire)

    def more(self, call: Call) -> tuple[Request, ...]:
        """Further requests of the same act that are known beforehand."""
        return ()

    def perform(self, call: Call, request: Request) -> Exchange:
        """Send the request and read the reply."""
        reply = yield request
        return self.answer(call, reply)

    def answer(self, call: Call, reply: Any) -> Answer:
        """What the model and the program get."""
        raise NotImplementedError

    def unresolved(self, call: Call) -> tuple[Reference, ...]:
        """Records that the call names in its body, where only names are known: with an id of 0."""
        return ()

    def words(self, call: Call) -> Mapping[str, str]:
        """More that the sentences may name than the arguments, such as a count."""
        return {}

    def people(self, call: Call) -> int:
        """How many people a write touches."""
        return 0 if self.endpoint.level == Level.READ or "{contact}" not in self.sentence else 1

    def touches(self, call: Call) -> Mapping[str, Any]:
        """What, besides the records, a person's consent depends on: amounts."""
        return {}

    def addresses(self, call: Call) -> Sequence[str]:
        """The e-mail addresses that it writes or looks for, besides those of the contacts that it names."""
        return ()

    def natural_key(self, call: Call) -> Mapping[str, Any]:
        """What tells whether a write happened, as JSON: the declared arguments, references as ids."""
        named = {name: getattr(call.args, name, None) for name in self.endpoint.key}
        return {name: call.id(value) if isinstance(value, Ref) else value for name, value in named.items()}

    @classmethod
    def read_back(cls, key: Mapping[str, Any], since: float) -> ReadBack:
        """Read whether a write happened. Needs no call, so that it works after a restart.

        Args:
            key: The natural key, as `natural_key` gave it.
            since: When the write left, in epoch seconds of this computer's clock.
        """
        return Finding("cannot_tell", "it leaves nothing that could be read back")
        yield  # a generator, like the ones that read something

    def rows(self, call: Call) -> tuple[tuple[str, str], ...]:
        """What the card says of those whom it happens to."""
        return ()

    def why(self, call: Call) -> str:
        """Why a person should look at it, as a clause."""
        return f"It {self.endpoint.risk}"

    def warning(self, call: Call) -> str:
        """What cannot be taken back and whether a copy is kept, in words of ours, for the end of the card."""
        return f"To take it back: {self.endpoint.inverse}." if self.endpoint.inverse else ""

    @property
    def tool_call_schema(self) -> Any:
        """The arguments as models see them: LangChain's own copy of the model would lose its schema."""
        return self.args_schema

    # The guard's half. Every way into a LangChain tool ends in _run or _arun, so nothing below is open to a subclass.

    @final
    def run(
        self,
        tool_input: str | dict[str, Any],
        *args: Any,
        config: RunnableConfig | None = None,
        tool_call_id: str | None = None,
        **kwargs: Any,
    ) -> Any:
        """Run the tool. Where the call comes from is taken here, where the model cannot write it."""
        tool_input, calling = Calling.of(tool_input, tool_call_id, config)
        token = CALLING.set(calling)
        try:
            return super().run(tool_input, *args, config=config, tool_call_id=tool_call_id, **kwargs)
        finally:
            CALLING.reset(token)

    @final
    async def arun(
        self,
        tool_input: str | dict[str, Any],
        *args: Any,
        config: RunnableConfig | None = None,
        tool_call_id: str | None = None,
        **kwargs: Any,
    ) -> Any:
        """Run the tool on an event loop."""
        tool_input, calling = Calling.of(tool_input, tool_call_id, config)
        token = CALLING.set(calling)
        try:
            return await super().arun(tool_input, *args, config=config, tool_call_id=tool_call_id, **kwargs)
        finally:
            with suppress(ValueError):  # a coroutine that the garbage collector closes ends in another context
                CALLING.reset(token)

    def get_input_schema(self, config: RunnableConfig | None = None) -> type[BaseModel]:
        """The arguments, and where a ToolNode is in use its runtime, which tells whose call it is."""
        return with_runtime(super().get_input_schema(config))

    @cached_property
    def _hidden(self) -> frozenset[str]:
        """The arguments that LangChain keeps from callbacks; it would evaluate all annotations anew at each call."""
        names = {*getattr(self.args_schema, "model_fields", ()), "run_manager", "callbacks"}
        return frozenset(names - super()._filter_injected_args(dict.fromkeys(names)).keys())

    def _filter_injected_args(self, tool_input: dict[str, Any]) -> dict[str, Any]:
        """The arguments that callbacks are shown."""
        return {name: value for name, value in tool_input.items() if name not in self._hidden}

    @final
    def _to_args_and_kwargs(
        self, tool_input: str | dict[str, Any], tool_call_id: str | None
    ) -> tuple[tuple[str, ...], dict[str, Any]]:
        """Hand the arguments on as they came: `_run` validates them, because some paths lead there directly."""
        if isinstance(tool_input, str):
            return (tool_input,), {}
        return (), {str(name): value for name, value in tool_input.items()}

    @final
    def _run(self, /, *args: Any, **kwargs: Any) -> tuple[Any, Any]:
        job = self.job(self._raw(args, kwargs), origin_of(self))
        return self._result(self.binding.guard.run(job, self.sender))

    @final
    async def _arun(self, /, *args: Any, **kwargs: Any) -> tuple[Any, Any]:
        job = self.job(self._raw(args, kwargs), origin_of(self))
        return self._result(await self.binding.guard.arun(job, self.sender))

    def _raw(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        if not args:
            return kwargs
        assert isinstance(self.args_schema, type)
        assert issubclass(self.args_schema, Arguments)
        first = next(iter(self.args_schema.model_fields), "input")
        return {first: args[0], **kwargs}

    def _result(self, answer: Answer) -> tuple[Any, Any]:
        """Success as content and artifact; anything else as an error message that keeps its artifact."""
        tool_call_id = CALLING.get().tool_call_id
        if answer.ok or tool_call_id is None:
            return answer.content, answer.artifact
        message = ToolMessage(
            answer.content, artifact=answer.artifact, tool_call_id=tool_call_id, name=self.name, status="error"
        )
        return message, answer.artifact

    def _in_path(self) -> tuple[str, ...]:
        return tuple(part[1:-1] for part in self.endpoint.path.split("/") if part.startswith("{"))


def query(wire: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Arguments as query parameters: orders spelt out, lists repeated, flags as words."""
    pairs: list[tuple[str, str]] = []
    for name, value in wire.items():
        if name == "orders":
            pairs += [(f"orders[{part.split()[0]}]", part.split()[1]) for part in value.split(", ")]
        elif isinstance(value, list):
            pairs += [(name, str(item)) for item in value]
        elif isinstance(value, bool):
            pairs.append((name, "true" if value else "false"))
        else:
            pairs.append((name, str(value)))
    return tuple(pairs)


def hints(endpoint: Endpoint) -> dict[str, Any]:
    """The endpoint's annotations as MCP names them; hints for other software, on which the guard never relies."""
    return {
        "readOnlyHint": endpoint.level == Level.READ,
        "destructiveHint": endpoint.level == Level.FULL,
        "idempotentHint": endpoint.method in ("GET", "PUT", "DELETE"),
    }


def not_found(reason: str) -> Answer:
    """The answer where what should be changed is not there."""
    return Answer(reason, Refusal("not_found", reason), ok=False)


def guard_from_env() -> Guard:
    """A guard from ACTIVECAMPAIGN_GRANTS (a file) and ACTIVECAMPAIGN_LEDGER (a URL).

    Raises:
        ConfigurationError: One of them is not set.
    """
    from ac_guardrails import Grants

    return Guard(
        Grants.from_file(_env("ACTIVECAMPAIGN_GRANTS", "grants.yaml")),
        ledger=_env("ACTIVECAMPAIGN_LEDGER", "sqlite:///ledger.db"),
    )


def agent_from_env() -> str:
    """The agent's name from ACTIVECAMPAIGN_AGENT.

    Raises:
        ConfigurationError: It is not set.
    """
    return _env("ACTIVECAMPAIGN_AGENT", "marketing")


def _env(name: str, example: str) -> str:
    value = os.environ.get(name, "").strip()
    if not value:
        from ac_tools._errors import ConfigurationError

        raise ConfigurationError(f"{name} is not set. Set it, for example to {example}, or pass it as an argument.")
    return value


def _integer(value: Any) -> int:
    """The last look at what goes into a path."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise TypeError("only a resolved id may go into a path")
    return value

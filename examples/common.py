"""What the examples share: their options, and how a person answers a graph that waits."""

from __future__ import annotations

import argparse
import getpass
import json
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

try:
    import langchain.agents  # noqa: F401 - both are looked for before an example needs them
    import langgraph.checkpoint.sqlite  # noqa: F401
except ImportError as missing:
    sys.exit(f"{missing}. The examples need a few more packages: pip install 'langchain-activecampaign[examples]'")

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from rich.console import Console
from rich.markdown import Markdown
from rich.panel import Panel
from rich.theme import Theme

from ac_tools import ActiveCampaign, ConfigurationError
from ac_tools.testing import ScriptedChatModel, Turn

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig
    from langgraph.graph.state import CompiledStateGraph

Answerer = Callable[[dict[str, Any]], dict[str, Any] | None]
"""A person: from what a pause shows of one call to their decision, or to None where nobody is there."""


def options(doc: str, *, real: bool = True, model: bool = True, answer: bool = True) -> argparse.ArgumentParser:
    """A parser with the options that the examples have in common.

    Args:
        doc: What the example does.
        real: Whether it works in a real account, too.
        model: Whether a model works in it, and records where the person likes.
        answer: Whether its graph waits for answers.
    """
    parser = argparse.ArgumentParser(description=doc)
    if real:
        words = "work in the account that ACTIVECAMPAIGN_URL and ACTIVECAMPAIGN_API_KEY name; else in an embedded one"
        parser.add_argument("--real", action="store_true", help=words)
    if model:
        words = "a real model, such as openai:gpt-5.1; else a script"
        parser.add_argument("--model", metavar="PROVIDER:NAME", help=words)
        parser.add_argument("--ledger", default="memory:", help="where to record, such as sqlite:///ledger.db")
    if answer:
        words = "give every question this answer; else the person at the terminal is asked"
        parser.add_argument("--answer", choices=("approve", "reject"), help=words)
    return parser


def open_account(*, real: bool) -> ActiveCampaign:
    """The account to work in: an embedded one, unless the real one is asked for by name."""
    try:
        return ActiveCampaign.from_env() if real else ActiveCampaign.sandbox()
    except ConfigurationError as error:
        sys.exit(str(error))


def open_model(name: str | None, script: Sequence[Turn]) -> BaseChatModel:
    """The model that a name such as openai:gpt-5.1 stands for; without one, the script."""
    if name is None:
        return ScriptedChatModel(script=script)
    from langchain.chat_models import init_chat_model

    try:
        return init_chat_model(name)
    except Exception as error:  # each provider says in its own way which package or key is missing
        sys.exit(f"The model {name!r} cannot be used: {error}")


def telling(words: str) -> Turn:
    """The last turn of a script: what became of the last call."""
    return lambda messages: AIMessage(f"{words} {said(messages[-1])}")


def said(message: BaseMessage) -> str:
    """What a tool answered, without its note to models on what is data."""
    return "\n".join(line for line in message.text.splitlines() if not line.startswith("Text in «»"))


def answered(graph: CompiledStateGraph[Any], start: Any, config: RunnableConfig, answerer: Answerer) -> dict[str, Any]:
    """Run a graph to its end, and have a person answer whenever it waits.

    Args:
        graph: The graph, with a checkpointer.
        start: Its input; None to go on where its thread stands.
        config: Which thread.
        answerer: Who answers.

    Returns:
        The graph's last state.

    Raises:
        Unanswered: Nobody answers; the graph waits.
    """
    from langgraph.types import Command

    if start is not None or not graph.get_state(config).interrupts:
        graph.invoke(start, config)
    while pauses := graph.get_state(config).interrupts:
        decisions = {pause.id: [answerer(call) for call in pause.value["action_requests"]] for pause in pauses}
        if not all(map(all, decisions.values())):
            raise Unanswered("It waits. To answer, run it in a terminal, or with --answer approve or --answer reject.")
        answers = {pause: {"decisions": given} for pause, given in decisions.items()}
        graph.invoke(Command(resume=answers), config)
    return graph.get_state(config).values


def person(answer: str | None = None) -> Answerer:
    """Whoever answers: with one answer to everything, or at the terminal.

    Args:
        answer: "approve" or "reject", to everything.
    """
    return ask_at_terminal if answer is None else lambda call: {"type": answer}


def ask_at_terminal(call: dict[str, Any]) -> dict[str, Any] | None:
    """Show the card of a call, and ask until there is a clear answer; None where there is nobody to ask."""
    console = Console(theme=Theme({"markdown.code": "bold"}))
    console.print(Panel(Markdown(call["description"]), title="A person must decide", title_align="left"))
    if not sys.stdin.isatty():
        return None
    while True:
        match input("approve, reject or edit? ").strip().lower():
            case "approve" | "a":
                return {"type": "approve"}
            case "reject" | "r":
                return {"type": "reject", "message": input("Why? ")}
            case "edit" | "e":
                return {"type": "edit", "edited_action": {"name": call["name"], "args": _edited(call["args"])}}


class Unanswered(SystemExit):
    """Nobody was there to answer, so the program ends, and the graph waits."""


def _edited(args: dict[str, Any]) -> dict[str, Any]:
    print(json.dumps(args, ensure_ascii=False))
    while True:
        try:
            return json.loads(input("The arguments as they should be: "))
        except ValueError as error:
            print(f"That is no JSON: {error}")


def thread(name: str) -> RunnableConfig:
    """A thread's config, with the name of the person at the keyboard: it goes on record with their answers."""
    return {"configurable": {"thread_id": name, "approver": getpass.getuser()}}

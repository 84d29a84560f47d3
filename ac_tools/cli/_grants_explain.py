"""`ac-tools grants explain`: what an agent's grants say of a call, by which line, and what would be needed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ac_tools.cli._console import fail, print_json
from ac_tools.cli._ledger_file import nearest
from ac_tools.cli._options import AsJson

if TYPE_CHECKING:
    from ac_guardrails import Explanation, Grants
    from ac_tools import ActiveCampaignToolkit
    from ac_tools.tools import ActiveCampaignTool

GrantsOption = Annotated[
    Path, typer.Option("--grants", envvar="ACTIVECAMPAIGN_GRANTS", exists=True, dir_okay=False, help="The grants file.")
]


def explain(
    tool: Annotated[str, typer.Argument(help="The tool's name, such as ac_delete_contact.")],
    grants: GrantsOption,
    agent: Annotated[str, typer.Option(envvar="ACTIVECAMPAIGN_AGENT", help="The agent whose call it is.")],
    arguments: Annotated[
        list[str] | None,
        typer.Argument(help="What the call says: contact=7; lists and objects as JSON.", show_default=False),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say whether an agent may make a call: the rule and its line, what it needs, and what would allow it.

    Nothing is read and nothing is sent; no account and no key is needed. 0 where it is allowed or a person is asked, 1
    where it is denied.
    """
    from ac_tools._explain import explanation_of

    bound = _bound(tool, grants, agent)
    try:
        explanation = explanation_of(bound, _arguments(bound, arguments or []))
    except ValueError as error:
        fail(str(error), code=2)
    if as_json:
        print_json(_plain(explanation))
    else:
        typer.echo(str(explanation))
    if explanation.verdict.denied:
        raise typer.Exit(1)


def toolkit_without_account(grants: Grants, agent: str) -> ActiveCampaignToolkit:
    """The tools of an agent, to look at calls with; behind them is an account that is none."""
    from ac_guardrails import Guard
    from ac_tools import ActiveCampaign, ActiveCampaignToolkit

    account = ActiveCampaign.sandbox(empty=True)
    return ActiveCampaignToolkit(account=account, guard=Guard(grants, ledger="memory:"), agent=agent)


def _bound(name: str, path: Path, agent: str) -> ActiveCampaignTool:
    """The tool as the agent has it."""
    from ac_guardrails import Grants
    from ac_tools._catalog import catalog

    grants = Grants.from_file(path, catalog=catalog)
    if agent not in grants.agents:
        known = ", ".join(grants.agents) or "none"
        fail(f"{path} has no agent {agent!r}. It has: {known}.{nearest(agent, grants.agents)}", code=2)
    try:
        return toolkit_without_account(grants, agent).get_tool(name)
    except ValueError as error:
        fail(f"{error} ac-tools tools lists them.", code=2)


def _arguments(tool: ActiveCampaignTool, words: list[str]) -> dict[str, Any]:
    """name=value, by the tool's schema: lists and objects are JSON, everything else stands as it is typed."""
    schema = tool.tool_call_schema.model_json_schema()["properties"]
    found: dict[str, Any] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            fail(f"{word!r} is no argument. Write name=value, such as contact=7.", code=2)
        if name in found:
            fail(f"{name!r} stands twice. Say it once.", code=2)
        found[name] = _from_json(name, value) if _is_json(schema.get(name, {})) else value
    return found


def _is_json(entry: dict[str, Any]) -> bool:
    return "$ref" in entry or entry.get("type") in ("array", "object") or any(map(_is_json, entry.get("anyOf", ())))


def _from_json(name: str, value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError as error:
        fail(f"{name} takes a list or an object in JSON, in single quotation marks: {name}='[...]' ({error}).", code=2)


def _plain(explanation: Explanation) -> dict[str, Any]:
    verdict = explanation.verdict
    needs = [
        {
            "area": needed.need.area,
            "needs": str(needed.need.level),
            "has": str(needed.has),
            "where": needed.where,
            "missing": needed.missing,
        }
        for needed in explanation.needs
    ]
    return {
        "agent": explanation.agent,
        "tool": explanation.tool,
        "what": explanation.what,
        "verdict": verdict.kind,
        "reason": verdict.reason,
        "rule": verdict.rule,
        "needs": needs,
        "still_open": list(explanation.later),
        "change": explanation.change,
    }

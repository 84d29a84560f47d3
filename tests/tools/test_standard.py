"""LangChain's own test suites for tools, for all 29."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from langchain_core.tools import BaseTool
from langchain_tests.integration_tests import ToolsIntegrationTests
from langchain_tests.unit_tests import ToolsUnitTests

from ac_guardrails import Grants, Guard
from ac_tools import ActiveCampaign, ActiveCampaignToolkit, ConfigurationError, GetContact
from ac_tools._catalog import AREAS, catalog
from ac_tools.tools import TOOLS, ActiveCampaignTool


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What an environment must say for a tool to be made from it."""
    folder = tmp_path_factory.mktemp("environment")
    grants = folder / "grants.yaml"
    grants.write_text(yaml.safe_dump({"agents": {"emailer": dict.fromkeys(AREAS, "full")}}))
    return {
        "ACTIVECAMPAIGN_URL": "https://example.api-us1.com",
        "ACTIVECAMPAIGN_API_KEY": "a-key-that-opens-nothing",
        "ACTIVECAMPAIGN_GRANTS": str(grants),
        "ACTIVECAMPAIGN_LEDGER": f"sqlite:///{folder / 'ledger.db'}",
        "ACTIVECAMPAIGN_AGENT": "emailer",
    }


class _Suite:
    """What both suites need to know of a tool."""

    made: type[ActiveCampaignTool]
    _valid: dict[str, Any]
    _parts: dict[str, Any]

    @property
    def tool_constructor(self) -> type[BaseTool]:
        return self.made

    @property
    def tool_constructor_params(self) -> dict[str, Any]:
        return self._parts

    @property
    def tool_invoke_params_example(self) -> dict[str, Any]:
        first: dict[str, Any] = self._valid[self.made.model_fields["name"].default][0]
        return first


class _Unit(_Suite):
    """Tools that are made and not called, so that their account is none."""

    @pytest.fixture(autouse=True)
    def _bound(self, valid: dict[str, Any], environment: dict[str, str], nowhere: dict[str, Any]) -> None:
        self._valid, self._environment, self._parts = valid, environment, nowhere

    @property
    def init_from_env_params(self) -> tuple[dict[str, str], dict[str, Any], dict[str, Any]]:
        return self._environment, {}, {"name": self.made.model_fields["name"].default}


class _Integration(_Suite):
    """Tools that are called, each on an embedded account of its own."""

    @pytest.fixture(autouse=True)
    def _bound(self, valid: dict[str, Any], toolkit: ActiveCampaignToolkit) -> Iterator[None]:
        self._valid = valid
        self._parts = {"account": toolkit.account, "guard": toolkit.guard, "agent": toolkit.agent}
        yield
        del self._parts  # pytest keeps every instance to the end, and with it the accounts


@pytest.fixture(scope="module")
def nowhere() -> Iterator[dict[str, Any]]:
    """What tools are made of that are never called."""
    with ActiveCampaign(url="https://example.api-us1.com", key="opens-nothing") as account:
        guard = Guard(Grants.from_dict({"agents": {"a": {}}}, catalog=catalog), ledger="memory:")
        yield {"account": account, "guard": guard, "agent": "a"}
        guard.ledger.close()


for _tool in TOOLS:
    for _half, _suite in ((_Unit, ToolsUnitTests), (_Integration, ToolsIntegrationTests)):
        _name = f"Test{_tool.__name__}{_half.__name__.removeprefix('_')}"
        globals()[_name] = type(_name, (_half, _suite), {"made": _tool, "__module__": __name__})


def test_a_tool_is_made_from_the_environment(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment names the account, the key, the grants, the ledger and the agent of a tool."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with GetContact().binding.account as account:
        tool = GetContact(account=account)
        guard = tool.binding.guard
        assert (tool.binding.agent, account.host) == ("emailer", "example.api-us1.com")
        assert guard.grants.agents == ("emailer",)
        assert environment["ACTIVECAMPAIGN_LEDGER"].removeprefix("sqlite:///") in repr(guard.ledger)
        guard.ledger.close()


@pytest.mark.parametrize("missing", ["URL", "API_KEY", "GRANTS", "LEDGER", "AGENT"])
def test_an_incomplete_environment_is_named(
    missing: str, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tool that finds a part of its environment missing says which."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv(f"ACTIVECAMPAIGN_{missing}")
    with pytest.raises(ConfigurationError, match=f"ACTIVECAMPAIGN_{missing}"):
        GetContact()


def test_both_suites_run_for_every_tool() -> None:
    """There is a unit and an integration class for each of the 29 tools."""
    made = [value for name, value in globals().items() if name.startswith("Test")]
    assert len(made) == 2 * len(TOOLS) == 58
    assert {cls.made for cls in made} == set(TOOLS)

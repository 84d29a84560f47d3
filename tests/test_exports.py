"""What the two packages offer, and what they leave alone."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

import ac_guardrails
import ac_guardrails.approvers
import ac_tools
import ac_tools.sandbox
import ac_tools.webhooks
from ac_tools import tools

PACKAGE = Path(ac_tools.__file__).parent
GUARD = Path(ac_guardrails.__file__).parent
SETTLED = {
    "ac_tools": (
        "ActiveCampaign ActiveCampaignToolkit Contact ContactList ContactTag ContactAutomation MailingList Tag Deal "
        "Pipeline Stage Field FieldValue Campaign Automation Account User ImportBatch Page ActiveCampaignError "
        "ConfigurationError ConnectError OutcomeUnknownError ResponseError AuthenticationError ForbiddenError "
        "PaymentRequiredError NotFoundError InvalidRequestError RateLimitError ServerError UnreadableResponseError"
    ),
    "ac_guardrails": "Grants Guard Decision ApprovalRequest",
    "ac_guardrails.approvers": "ask_in_terminal",
}
TOOLS = (
    "ac_get_contact ac_list_contacts ac_create_contact ac_update_contact ac_sync_contact ac_import_contacts "
    "ac_delete_contact ac_get_list ac_list_lists ac_create_list ac_set_list_status ac_list_tags ac_create_tag "
    "ac_add_tag ac_remove_tag ac_get_deal ac_list_deals ac_create_deal ac_update_deal ac_get_field ac_list_fields "
    "ac_create_field ac_create_campaign ac_list_automations ac_list_contact_automations ac_add_to_automation "
    "ac_remove_from_automation ac_list_accounts ac_create_account"
)
HEAVY = {"langgraph", "sqlalchemy", "rich", "typer", "jsonschema", "mcp", "langchain", "vcr", "ac_tools.sandbox"}
PUBLIC = [ac_tools, ac_tools.sandbox, ac_tools.webhooks, ac_guardrails, ac_guardrails.approvers]


def imports(file: Path) -> set[str]:
    """The modules that a file imports anywhere in it, for typing too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return found


def files_that_import(package: str, folder: Path) -> set[str]:
    return {
        str(file.relative_to(folder))
        for file in folder.rglob("*.py")
        if any(module == package or module.startswith(f"{package}.") for module in imports(file))
    }


@pytest.mark.parametrize("module", PUBLIC, ids=lambda module: module.__name__)
def test_all_is_sorted_and_importable(module: ModuleType) -> None:
    """`__all__` is in order and names nothing that is not there."""
    assert list(module.__all__) == sorted(module.__all__)
    assert not [name for name in module.__all__ if not hasattr(module, name)]


@pytest.mark.parametrize("module", PUBLIC, ids=lambda module: module.__name__)
def test_all_is_all(module: ModuleType) -> None:
    """Whatever a package's namespace holds without an underscore is exported, but for its own modules."""
    public = {
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and getattr(value, "__module__", "").partition(".")[0] in ("ac_tools", "ac_guardrails")
    }
    assert public <= set(module.__all__)


@pytest.mark.parametrize("module", SETTLED)
def test_settled_names(module: str) -> None:
    """The names that users write are where they are said to be, and loaded by `from ... import`."""
    loaded = import_module(module)
    for name in SETTLED[module].split():
        assert name in loaded.__all__
        assert getattr(loaded, name).__name__ == name


def test_the_29_tools() -> None:
    """There are 29 tools, under the settled names, and each class is its name in camel case."""
    by_name = {tool.model_fields["name"].default: tool for tool in tools.TOOLS}
    assert sorted(by_name) == sorted(TOOLS.split())
    assert len(by_name) == len(tools.TOOLS) == 29
    for name, tool in by_name.items():
        camel = name.removeprefix("ac_").title().replace("_", "")
        assert (tool.__name__, getattr(ac_tools, camel)) == (camel, tool)


def test_what_type_checkers_see() -> None:
    """The imports that only type checkers run come from the modules that the table loads from, name by name."""
    tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
    seen: dict[str, list[str]] = {}
    for node in block.body:
        assert isinstance(node, ast.ImportFrom)
        seen.setdefault(str(node.module), []).extend(alias.name for alias in node.names)
    assert set(seen) == set(ac_tools._MODULES)
    for module, names in seen.items():
        listed = ac_tools._MODULES[module]
        assert tuple(names) == listed or (names == ["*"] and set(listed) <= _starred(import_module(module))), module


def _starred(module: ModuleType) -> set[str]:
    return set(getattr(module, "__all__", [name for name in vars(module) if not name.startswith("_")]))


def test_unknown_names_are_errors() -> None:
    """A misspelt import fails as usual, and `dir` lists what can be had."""
    with pytest.raises(AttributeError, match="ActiveCampain"):
        _ = ac_tools.ActiveCampain
    assert set(ac_tools.__all__) <= set(dir(ac_tools))


@pytest.mark.parametrize("module", PUBLIC, ids=lambda module: module.__name__)
def test_everything_public_says_what_it_is_for(module: ModuleType) -> None:
    """Each exported class and function, and each public method of our own classes, has a docstring."""
    silent = []
    for name in module.__all__:
        value = getattr(module, name)
        if not (inspect.isclass(value) or inspect.isfunction(value)):
            continue
        silent += [name] if not (value.__doc__ or "").strip() else []
        if inspect.isclass(value):
            silent += [f"{name}.{method}" for method in _silent_methods(value)]
    assert not silent


def _silent_methods(owner: type) -> list[str]:
    """Public methods of a class that neither say what they do nor override one that does."""
    own = [(name, value) for name, value in vars(owner).items() if not name.startswith("_")]
    functions = [(name, getattr(value, "fget", None) or getattr(value, "__func__", value)) for name, value in own]
    return [
        name
        for name, function in functions
        if inspect.isfunction(function) and not inspect.getdoc(getattr(owner, name))
    ]


def test_the_guard_knows_no_product() -> None:
    """`ac_guardrails` imports nothing of `ac_tools`, nor of LangChain but for its approvers."""
    assert not files_that_import("ac_tools", GUARD)
    assert not {name for name in files_that_import("langchain_core", GUARD) if not name.startswith("approvers")}


def test_few_modules_know_the_http_library() -> None:
    """The HTTP library is imported by the client, the embedded account's transport, and the client of MCP."""
    files = {name for name in files_that_import("httpx", PACKAGE) if not name.startswith("remote_mcp/")}
    assert files == {"_http.py", "sandbox/_transport.py"}
    assert not files_that_import("httpx", GUARD)


def test_importing_the_toolkit_loads_nothing_heavy() -> None:
    """`from ac_tools import ActiveCampaignToolkit` leaves the command line, the sandbox and all extras alone."""
    # Where click is installed too, httpx loads rich by itself.
    theirs = _loaded_by("from langchain_core.tools import BaseTool, BaseToolkit; import httpx")
    assert not HEAVY & (_loaded_by("from ac_tools import ActiveCampaignToolkit") - theirs)


def test_webhooks_can_be_read_without_the_extra() -> None:
    """`ac_tools.webhooks` is imported, a body read and an event kept without a server's packages, which are named."""
    missing = "import sys; sys.modules.update(starlette=None, uvicorn=None, langgraph=None); "
    use = "from ac_tools.webhooks import Receiver, parse; parse(b'type=update'); Receiver.receive"
    assert not {"starlette", "uvicorn", "langgraph"} & _loaded_by(use)
    code = f"{missing}{use}\ntry: Receiver.app.fget(None)\nexcept ImportError as error: print('told', error)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "pip install 'langchain-activecampaign[webhooks]'" in told


def _loaded_by(code: str) -> set[str]:
    command = [sys.executable, "-W", "error", "-c", f"{code}; import sys; print(*sys.modules)"]
    return set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())


def test_every_package_is_typed() -> None:
    """Both packages carry the mark that tells type checkers to read them."""
    assert (PACKAGE / "py.typed").is_file()
    assert (GUARD / "py.typed").is_file()

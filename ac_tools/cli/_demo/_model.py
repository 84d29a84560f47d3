"""A real model, where somebody asks for one."""

from __future__ import annotations

import re

from langchain_core.language_models import BaseChatModel

from ac_guardrails import inert
from ac_tools.cli._console import fail
from ac_tools.cli._ledger_file import nearest

_PACKAGES = {
    "azure_openai": "langchain-openai",
    "bedrock": "langchain-aws",
    "bedrock_converse": "langchain-aws",
}
"""Providers whose package is not called after them."""


def open_model(name: str) -> BaseChatModel:
    """Make the chat model that a name such as "anthropic:claude-sonnet-4-5" stands for.

    Args:
        name: Provider and model, as LangChain's `init_chat_model` takes them.

    Raises:
        typer.Exit: It cannot be made; what to install or to set has been said.
    """
    provider, _, model = name.partition(":")
    if not provider or not model:
        fail(f"--model takes provider:name, such as anthropic:claude-sonnet-4-5, not {name!r}.", code=2)
    package = _PACKAGES.get(provider, f"langchain-{provider.replace('_', '-')}")
    try:
        from langchain.chat_models import init_chat_model

        made = init_chat_model(name)
    except ImportError:
        fail(
            f"A model of {provider} needs two more packages:\n"
            f"  pip install 'langchain-activecampaign[langchain]' {package}",
            code=2,
        )
    except Exception as error:  # every provider says in its own way that its key is missing
        fail(f"The model {inert(name, limit=80)} cannot be used: {_said(error, provider)}", code=2)
    assert isinstance(made, BaseChatModel)
    return made


def _said(error: Exception, provider: str) -> str:
    """What a provider's error says; of LangChain's list of all providers only the nearest."""
    text = " ".join(str(error).split())
    if not text.startswith(("Unable to infer model provider", "Unsupported provider")):
        return text[:300]
    listed = re.search(r"roviders(?: are)?: ((?:\w+, )*\w+)", text)
    known = listed[1].split(", ") if listed else []
    near = nearest(provider, known) or " Known are anthropic, openai, google_genai and others."
    return f"LangChain knows no provider {inert(provider, limit=40)!r}.{near}"

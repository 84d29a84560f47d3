"""A real model, where somebody asks for one."""

from __future__ import annotations

from langchain_core.language_models import BaseChatModel

from ac_tools.cli._console import fail

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
        fail(f"The model {name} cannot be used: {' '.join(str(error).split())[:300]}", code=2)
    assert isinstance(made, BaseChatModel)
    return made

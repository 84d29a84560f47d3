"""What models are shown: small, strict, and accepted by every provider."""

from __future__ import annotations

import importlib
import json
import os
from collections.abc import Iterator, Mapping
from typing import Any, Literal, get_args, get_origin

import pytest
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import BaseModel

from ac_guardrails import Grants, Guard, Level
from ac_tools import ActiveCampaign
from ac_tools._catalog import catalog
from ac_tools.tools import TOOLS, ActiveCampaignTool
from ac_tools.tools._references import Ref

CLASSES = {tool.model_fields["name"].default: tool for tool in TOOLS}


@pytest.fixture(scope="module")
def tools() -> Iterator[dict[str, ActiveCampaignTool]]:
    """The tools as models are shown them; nothing is called here, so the account is none."""
    with ActiveCampaign(url="https://example.api-us1.com", key="opens-nothing") as account:
        guard = Guard(Grants.from_dict({"agents": {"a": {}}}, catalog=catalog), ledger="memory:")
        yield {name: tool(account=account, guard=guard, agent="a") for name, tool in CLASSES.items()}
        guard.ledger.close()


def arguments(name: str) -> type[BaseModel]:
    schema = CLASSES[name].model_fields["args_schema"].default
    assert isinstance(schema, type)
    assert issubclass(schema, BaseModel)
    return schema


def size(*tools: ActiveCampaignTool) -> int:
    shown = [convert_to_openai_tool(tool) for tool in tools]
    return len(json.dumps(shown, separators=(",", ":")).encode())


def subschemas(schema: Any, path: str = "$") -> Iterator[tuple[str, dict[str, Any]]]:
    """A schema and all that are inside it, each with the way to it."""
    if not isinstance(schema, dict):
        return
    yield path, schema
    for name, inner in schema.get("properties", {}).items():
        yield from subschemas(inner, f"{path}.{name}")
    for number, inner in enumerate(schema.get("anyOf", [])):
        yield from subschemas(inner, f"{path}|{number}")
    yield from subschemas(schema.get("items"), f"{path}[]")


def test_the_schemas_are_small(tools: dict[str, ActiveCampaignTool]) -> None:
    """All 29 tools in OpenAI's format take at most 19,000 bytes of compact JSON, the 12 reads at most 6,900."""
    reads = [tool for tool in tools.values() if tool.endpoint.level == Level.READ]
    assert (len(tools), len(reads)) == (29, 12)
    assert size(*tools.values()) <= 19_000
    assert size(*reads) <= 6_900


@pytest.mark.parametrize("name", CLASSES)
def test_optional_arguments_may_be_null(name: str, tools: dict[str, ActiveCampaignTool]) -> None:
    """What is not required says that it takes null, and carries no default."""
    shown = convert_to_openai_tool(tools[name])["function"]["parameters"]
    for path, schema in subschemas(shown):
        required = schema.get("required", [])
        assert not [key for key in ("default", "title", "$ref", "$defs") if key in schema], path
        for argument, inner in schema.get("properties", {}).items():
            if argument not in required:
                assert {"type": "null"} in inner["anyOf"], f"{path}.{argument}"


_NOT_STRICT = (
    "prefixItems", "uniqueItems", "allOf", "oneOf", "not", "patternProperties", "minimum", "maximum", "minLength",
    "maxLength", "minItems", "maxItems", "pattern", "format", "default",
)  # fmt: skip


def complaints(schema: dict[str, Any]) -> Iterator[str]:
    """What a provider's strict mode would not take."""
    for path, each in subschemas(schema):
        yield from (f"{path}: {key}" for key in _NOT_STRICT if key in each)
        if "anyOf" not in each and not isinstance(each.get("type"), str):
            yield f"{path}: no type"
        if each.get("type") == "array" and not each.get("items"):
            yield f"{path}: an array of nobody knows what"
        if each.get("type") == "object":
            if not each.get("properties"):
                if path != "$":
                    yield f"{path}: an object of nobody knows what"
            elif set(each["properties"]) != set(each.get("required", [])):
                yield f"{path}: not everything is required"
            if each.get("additionalProperties") is not False:
                yield f"{path}: more keys are allowed"
        if "enum" in each and not all(isinstance(word, str) for word in each["enum"]):
            yield f"{path}: an enum of other things than texts"


@pytest.mark.parametrize("name", CLASSES)
def test_the_strict_form_is_strict(name: str, tools: dict[str, ActiveCampaignTool]) -> None:
    """Converted for OpenAI's strict mode, a tool keeps to the published subset of JSON Schema and loses no argument."""
    shown = convert_to_openai_tool(tools[name], strict=True)["function"]
    assert shown["strict"] is True
    assert list(complaints(shown["parameters"])) == []
    assert set(shown["parameters"]["properties"]) == set(arguments(name).model_fields)


def test_the_strict_lint_sees_faults() -> None:
    """The lint complains of free-form objects, untyped arrays, bounds and numbers in enums."""
    bad = {
        "type": "object",
        "properties": {
            "a": {"type": "object"},
            "b": {"type": "array"},
            "c": {"type": "integer", "minimum": 1},
            "d": {"enum": [1, 2]},
        },
        "required": ["a"],
    }
    assert list(complaints(bad)) == [
        "$: not everything is required",
        "$: more keys are allowed",
        "$.a: an object of nobody knows what",
        "$.a: more keys are allowed",
        "$.b: an array of nobody knows what",
        "$.c: minimum",
        "$.d: no type",
        "$.d: an enum of other things than texts",
    ]


def converter(module: str, name: str) -> Any:
    """A provider's converter; without its package the test is skipped, unless all are required."""
    try:
        return getattr(importlib.import_module(module), name)
    except ImportError:
        if os.environ.get("AC_REQUIRE_ALL") == "1":
            raise
        pytest.skip(f"{module} is not installed (the extra 'providers' brings it)")


@pytest.mark.parametrize("name", CLASSES)
def test_anthropic_takes_it(name: str, tools: dict[str, ActiveCampaignTool]) -> None:
    """Anthropic's converter takes a tool whole, in strict mode too."""
    convert = converter("langchain_anthropic.chat_models", "convert_to_anthropic_tool")
    tool = tools[name]
    shown = convert(tool)
    assert (shown["name"], shown["description"]) == (name, tool.description)
    assert shown["input_schema"]["properties"] == convert_to_openai_tool(tool)["function"]["parameters"]["properties"]
    strict = convert(tool, strict=True)
    assert set(strict["input_schema"]["properties"]) == set(arguments(name).model_fields)


def _fields(schema: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """The fields of a Gemini schema, nested ones too, each with its type."""
    for name, inner in (schema.properties or {}).items():
        yield f"{path}{name}", inner.type.value
        yield from _fields(inner, f"{path}{name}.")
    if schema.items is not None:
        yield from _fields(schema.items, path)


def _expected(schema: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    """The same of a JSON schema."""
    for name, given in schema.get("properties", {}).items():
        inner = next((each for each in given.get("anyOf", [given]) if each.get("type") != "null"), given)
        yield f"{path}{name}", inner["type"].upper()
        yield from _expected(inner.get("items", inner), f"{path}{name}.")


@pytest.mark.parametrize("name", CLASSES)
def test_gemini_takes_it(name: str, tools: dict[str, ActiveCampaignTool]) -> None:
    """Gemini's converter takes a tool and loses none of its fields, nor their types, at any depth."""
    convert = converter("langchain_google_genai._function_utils", "convert_to_genai_function_declarations")
    tool = tools[name]
    [declaration] = convert([tool])[0].function_declarations
    shown = convert_to_openai_tool(tool)["function"]["parameters"]
    got = dict(_fields(declaration.parameters)) if declaration.parameters else {}
    assert got == dict(_expected(shown))


def models(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """A model of arguments and those inside it."""
    yield model
    for field in model.model_fields.values():
        for part in parts(field.annotation):
            if isinstance(part, type) and issubclass(part, BaseModel):
                yield from models(part)


def parts(annotation: Any) -> Iterator[Any]:
    """A type and all that it is made of."""
    yield get_origin(annotation) or annotation
    if get_origin(annotation) is not Literal:
        for inner in get_args(annotation):
            yield from parts(inner)


@pytest.mark.parametrize("name", CLASSES)
def test_argument_types_are_ones_that_every_provider_keeps(name: str) -> None:
    """No argument is a dict, tuple, set or anything at all, and no choice is among numbers."""
    for model in models(arguments(name)):
        for field_name, field in model.model_fields.items():
            for part in parts(field.annotation):
                assert part not in (dict, tuple, set, frozenset, Any, object), f"{model.__name__}.{field_name}"
            for choice in _literals(field.annotation):
                assert isinstance(choice, str), f"{model.__name__}.{field_name}"


def _literals(annotation: Any) -> Iterator[Any]:
    if get_origin(annotation) is Literal:
        yield from get_args(annotation)
    else:
        for inner in get_args(annotation):
            yield from _literals(inner)


@pytest.mark.parametrize("name", CLASSES)
def test_nothing_nests_deeper_than_a_list_of_records(name: str) -> None:
    """Arguments are flat but for lists of records, whose own lists of fields are the deepest."""
    assert len(list(models(arguments(name)))) <= 3


SELF_EVIDENT = frozenset(
    {
        "email", "first_name", "last_name", "phone", "name", "title", "description", "offset", "search", "ids", "list",
        "tag", "automation", "stage", "created_before", "updated_after", "updated_before",
        "status", "channel", "owner", "currency", "type", "value", "fields", "field_values", "contacts", "unsubscribe",
        "account_url", "active", "can_split_content", "nextdate_range", "search_field", "isrequired", "tag_type",
        "unsubscription_notify", "maximum_value", "custom_field_id",
    }
)  # fmt: skip
"""Arguments whose name, choices or neighbour say what they take: a list's, tag's, stage's or automation's reference
stands beside another reference that says "Id or name"; the other dates follow `created_after`."""


def test_every_argument_is_described_or_self_evident() -> None:
    """An argument has a description, or a name that needs none."""
    bare = {
        field_name
        for name in CLASSES
        for model in models(arguments(name))
        for field_name, field in model.model_fields.items()
        if not field.description
    }
    assert bare <= SELF_EVIDENT
    assert SELF_EVIDENT - bare == set(), "no longer needed"


def test_a_references_form_is_said_in_every_tool_that_requires_one() -> None:
    """Where a reference is required, the tool says what it takes."""
    for name in CLASSES:
        for field_name, field in arguments(name).model_fields.items():
            if field.is_required() and Ref in parts(field.annotation):
                assert field.description, f"{name}.{field_name}"

"""Custom fields: what can be known of a contact."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field

from ac_guardrails import Answer, InvalidCall, Level, Request, quoted
from ac_guardrails._finding import Finding, ReadBack
from ac_guardrails._job import Exchange
from ac_tools._errors import ActiveCampaignError
from ac_tools._records import Field as FieldRecord
from ac_tools._records import Record
from ac_tools.tools._arguments import Arguments, PagedArguments
from ac_tools.tools._base import ActiveCampaignTool
from ac_tools.tools._call import Call
from ac_tools.tools._endpoint import Endpoint
from ac_tools.tools._portrait import naming, same_name, same_name_rows
from ac_tools.tools._read_back import any_case, collection_of, find_made, others
from ac_tools.tools._references import FieldRef, ListRef
from ac_tools.tools._render import content, joined, one, page_answer, records
from ac_tools.tools._settling import made

_WITH_OPTIONS = ("dropdown", "listbox", "radio", "checkbox")
Choices = list[str]  # an argument called `list` hides the type of that name
_ALL_LISTS = 0
"""Documented: a relation to list 0 shows the field on every contact; without one it is invisible."""


class ListFieldsArguments(PagedArguments):  # noqa: D101
    perstag: str | None = Field(None, serialization_alias="filters[perstag]", description="Personalization tag")


class ListFields(ActiveCampaignTool):
    """Lists custom contact fields: `GET /fields`."""

    name: str = "ac_list_fields"
    description: str = "List the custom contact fields."
    args_schema: type[ListFieldsArguments] = ListFieldsArguments
    sentence: ClassVar[str] = "list the custom fields"
    endpoint: ClassVar[Endpoint] = Endpoint(
        "GET", "/fields", area="fields", level=Level.READ, acts_on="field", risk="shows the fields", reply="fields"
    )
    # Documented: the account's own default is 100 here.
    defaults: ClassVar[Mapping[str, str]] = {"limit": "20"}

    def answer(self, call: Call, reply: Any) -> Answer:
        """A line a field."""
        return page_answer(reply, "fields", FieldRecord, _field_line, call)


class OneField(Arguments):  # noqa: D101
    field: FieldRef = Field(description="Id or title")


class GetField(ActiveCampaignTool):
    """Reads one custom field with its options: `GET /fields/{id}`."""

    name: str = "ac_get_field"
    description: str = "Read one custom field and its options."
    args_schema: type[OneField] = OneField
    sentence: ClassVar[str] = "read {field}"
    endpoint: ClassVar[Endpoint] = Endpoint(
        "GET", "/fields/{field}", area="fields", level=Level.READ, acts_on="field", risk="shows a field", reply="field"
    )

    def answer(self, call: Call, reply: Any) -> Answer:
        """The field and its options."""
        found = one(reply, "field", FieldRecord)
        options = records(reply, "fieldOptions", Record)
        values = (quoted(str(option.wire.get("value", "")), limit=60) for option in options)
        return Answer(content(_field_line(found), joined("options", values)), found)


def _field_line(item: FieldRecord) -> str:
    parts = [item.id, quoted(item.title or "", limit=80), item.type or ""]
    if item.perstag:
        parts.append(f"%{item.perstag}%")
    if item.required:
        parts.append("required")
    return " ".join(part for part in parts if part)


class NewField(Arguments):  # noqa: D101
    title: str = Field(min_length=1, max_length=255)
    type: Literal[
        "text", "textarea", "date", "datetime", "dropdown", "listbox", "radio", "checkbox", "hidden", "number"
    ]
    options: Choices | None = Field(None, description="Choices of dropdown, listbox, radio, checkbox")
    descript: str | None = Field(None, description="Description")
    perstag: str | None = Field(None, description="Personalization tag")
    defval: str | None = Field(None, description="Default value")
    isrequired: bool | None = None
    visible: bool | None = Field(None, description="In forms")
    list: ListRef | None = Field(None, description="Show only for this list")


class CreateField(ActiveCampaignTool):
    """Defines a custom field: `POST /fields`, then its options and its relation, without which nobody would see it."""

    name: str = "ac_create_field"
    description: str = "Define a custom contact field with its options, visible on contacts."
    args_schema: type[NewField] = NewField
    sentence: ClassVar[str] = "create a custom field"
    plain: ClassVar[str] = "create the custom field {title} ({type})"
    followups: ClassVar[tuple[tuple[str, str], ...]] = (("POST", "/fieldOption/bulk"), ("POST", "/fieldRels"))
    endpoint: ClassVar[Endpoint] = Endpoint(
        "POST",
        "/fields",
        area="fields",
        level=Level.WRITE,
        acts_on="field",
        risk="adds a field to every contact",
        wrap="field",
        reply="field",
        key=("title",),
        settles=made("field", "/fields", "of that title (in any case)"),
        shows=("Exists", "Shown"),
        voids=("options", "name of the list"),
        reads=2,
        inverse="delete the field",
        changes=("field",),
    )

    def check(self, call: Call) -> None:
        """Options belong to types that have choices."""
        args = call.args
        if args.type in _WITH_OPTIONS and not args.options:
            raise InvalidCall(f"ac_create_field was not called: a {args.type} needs options. Give at least one choice.")
        if args.options and args.type not in _WITH_OPTIONS:
            raise InvalidCall(f"ac_create_field was not called: a {args.type} takes no options.")

    def look(self, call: Call) -> Exchange:
        """Reads nothing. The choices leave after the field, whose request is what an approval is compared by."""
        if call.args.options:
            call.bind("options", call.args.options)
        return None
        yield  # a generator, like the ones that read something

    def portray(self, call: Call) -> Exchange:
        """Whether there is one of the title, and the list that it would be shown for."""
        yield from super().portray(call)
        yield from same_name(call, "field", call.args.title)

    def rows(self, call: Call) -> tuple[tuple[str, str], ...]:
        """On whom it would be seen."""
        place = f"on contacts of the list {naming(call, call.args.list)}" if call.args.list else "on every contact"
        return (*same_name_rows(call), ("Shown", place))

    def natural_key(self, call: Call) -> Mapping[str, Any]:
        """The title, whose case the account does not mind."""
        return {"title": any_case(call.args.title)}

    @classmethod
    def read_back(cls, key: Mapping[str, Any], since: float) -> ReadBack:
        """By title and time; says so where the second half is missing."""
        made: list[FieldRecord] = []

        def is_it(field: FieldRecord) -> bool:
            same: bool = any_case(field.title) == key["title"]
            made.extend([field] if same else [])
            return same

        found = yield from find_made(
            "field", collection_of("/fields", "fields"), FieldRecord, is_it, since, others(key)
        )
        if found.kind == "present" and not made[-1].relation_ids:
            return Finding(
                "present", f"{found.reason}, and is shown on no contact yet: finish it in the app", found.made
            )
        return found

    def build(self, call: Call) -> Request:
        """Flags as the texts that were recorded; options and list are requests of their own."""
        wire = {name: value for name, value in call.wire().items() if name not in ("options", "list")}
        for flag in ("isrequired", "visible"):
            if flag in wire:
                wire[flag] = "1" if wire[flag] else "0"
        return Request("POST", "/fields", body={"field": wire})

    def perform(self, call: Call, request: Request) -> Exchange:
        """Create the field, then make it usable; say what is missing where the second half fails."""
        reply = yield request
        made = one(reply, "field", FieldRecord)
        text = f"Created field {made.id} {quoted(made.title or '', limit=80)}."
        try:
            if call.args.options:
                yield Request("POST", "/fieldOption/bulk", body={"fieldOptions": _options(made.id, call.args.options)})
            list_id = call.id(call.args.list) if call.args.list else _ALL_LISTS
            yield Request("POST", "/fieldRels", body={"fieldRel": {"field": made.id, "relid": list_id}})
        except ActiveCampaignError as error:
            text += f" It is not usable yet: {error} Finish it in the app; do not create it again."
        return Answer(content(text), made)


def _options(field: str, options: list[str]) -> list[dict[str, Any]]:
    return [
        {"field": field, "label": option, "value": option, "orderid": number, "isdefault": False}
        for number, option in enumerate(options, 1)
    ]

"""Tags: how contacts are sorted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field

from ac_guardrails import Answer, InvalidCall, Level, Request, quoted
from ac_guardrails._finding import Finding, ReadBack
from ac_guardrails._job import Exchange
from ac_tools._errors import InvalidRequestError
from ac_tools._records import ContactTag, Tag
from ac_tools.tools._arguments import Arguments, PagedArguments
from ac_tools.tools._base import ActiveCampaignTool, not_found
from ac_tools.tools._call import Call
from ac_tools.tools._endpoint import Endpoint
from ac_tools.tools._portrait import PERSON, WHO, contact_rows, portrait
from ac_tools.tools._read_back import any_case, collection_of, find_made, others, removed, spelt, ties_if_there
from ac_tools.tools._references import ContactRef, TagRef
from ac_tools.tools._render import content, one, page_answer, ties_of
from ac_tools.tools._settling import Settling, made


class ListTagsArguments(PagedArguments):  # noqa: D101
    search: str | None = Field(None, description="Contains")


class ListTags(ActiveCampaignTool):
    """Lists tags: `GET /tags`. Holds the tags of templates as well as those of contacts (documented)."""

    name: str = "ac_list_tags"
    description: str = "List or search tags."
    args_schema: type[ListTagsArguments] = ListTagsArguments
    sentence: ClassVar[str] = "list the tags"
    endpoint: ClassVar[Endpoint] = Endpoint(
        "GET", "/tags", area="tags", level=Level.READ, acts_on="tag", risk="shows the tags", reply="tags"
    )
    # Documented as 20 and as 100: said, so that the next page begins where this one ended.
    defaults: ClassVar[dict[str, str]] = {"limit": "20"}

    def answer(self, call: Call, reply: Any) -> Answer:
        """A line a tag."""
        return page_answer(reply, "tags", Tag, _tag_line, call)


def _tag_line(tag: Tag) -> str:
    parts = [tag.id, quoted(tag.name or "", limit=80)]
    if tag.type and tag.type != "contact":
        parts.append(f"for {tag.type}s")
    if tag.subscriber_count:
        parts.append(f"on {tag.subscriber_count}")
    return " ".join(parts)


class CreateTagArguments(Arguments):  # noqa: D101
    name: str = Field(serialization_alias="tag", min_length=1, max_length=255, description="No commas")
    description: str | None = None
    tag_type: Literal["contact", "template"] | None = Field(None, serialization_alias="tagType")


class CreateTag(ActiveCampaignTool):
    """Defines a tag: `POST /tags`. Names are unique without regard to case and hold no commas (documented)."""

    name: str = "ac_create_tag"
    description: str = "Define a tag; ac_add_tag puts it on a contact."
    args_schema: type[CreateTagArguments] = CreateTagArguments
    sentence: ClassVar[str] = "create a tag"
    plain: ClassVar[str] = "create the tag {name}"
    endpoint: ClassVar[Endpoint] = Endpoint(
        "POST",
        "/tags",
        area="tags",
        level=Level.WRITE,
        acts_on="tag",
        risk="adds a tag",
        wrap="tag",
        reply="tag",
        key=("name",),
        settles=made("tag", "/tags", "of that name (in any case)"),
        reads=1,
        inverse="delete the tag",
        changes=("tag",),
    )

    def check(self, call: Call) -> None:
        """A comma would make two tags of one in webhooks."""
        if "," in call.args.name:
            raise InvalidCall(
                f"A tag's name may not hold a comma: {quoted(call.args.name, limit=80)}. Use another sign."
            )

    def look(self, call: Call) -> Exchange:
        """What a second tag of the same name would do is not documented, so it is not tried."""
        wanted = call.args.name.casefold()
        for row in (yield from call.names.search("tag", call.args.name)):
            if row.name.casefold() == wanted:
                found = Tag.from_wire(row.wire) if call.may_read("tags") else Tag.from_wire({"id": str(row.id)})
                return Answer(f"Nothing to do: the tag exists already, with id {row.id}.", found)
        return None

    def natural_key(self, call: Call) -> Mapping[str, Any]:
        """The name, whose case the account does not mind."""
        return {"name": any_case(call.args.name), "_name": call.args.name}

    @classmethod
    def read_back(cls, key: Mapping[str, Any], since: float) -> ReadBack:
        """By name and time."""
        walk = collection_of("/tags", "tags", ("search", spelt(key, "name")))
        return (
            yield from find_made("tag", walk, Tag, lambda tag: any_case(tag.name) == key["name"], since, others(key))
        )

    def build(self, call: Call) -> Request:
        """With a type and a description, as every client in production sends them."""
        return Request("POST", "/tags", body={"tag": {"tagType": "contact", "description": "", **call.wire()}})

    def answer(self, call: Call, reply: Any) -> Answer:
        """The new tag's id."""
        tag = one(reply, "tag", Tag)
        return Answer(content(f"Created tag {tag.id} {quoted(tag.name or '', limit=80)}."), tag)


_STARTS = "every automation that is set to start on this tag; the API does not say which"


class ContactAndTag(Arguments):  # noqa: D101
    contact: ContactRef = Field(description="Id or e-mail address")
    tag: TagRef = Field(description="Name or id")


class AddTag(ActiveCampaignTool):
    """Puts a tag on a contact: `POST /contactTags`. Starts the automations that the tag triggers."""

    name: str = "ac_add_tag"
    description: str = "Put a tag on a contact. Automations that start on this tag will run."
    args_schema: type[ContactAndTag] = ContactAndTag
    sentence: ClassVar[str] = "put {tag} on {contact}"
    endpoint: ClassVar[Endpoint] = Endpoint(
        "POST",
        "/contactTags",
        area="tags",
        level=Level.WRITE,
        acts_on="contactTag",
        risk="can start automations",
        event="contact_tag_added",
        wrap="contactTag",
        reply="contactTag",
        key=("contact", "tag"),
        settles=Settling(
            ("GET /contacts/{contact}/contactTags",),
            "the contact has the tag, whoever put it on",
            "the contact does not have it, or is gone",
        ),
        shows=(*PERSON, "Starts"),
        voids=(*WHO, "name of the tag"),
        reads=6,
        inverse="remove the tag",
        changes=("contact",),
    )

    def portray(self, call: Call) -> Exchange:
        """Who would get it, and what they have and are in already."""
        yield from super().portray(call)
        yield from portrait(call)

    def rows(self, call: Call) -> tuple[tuple[str, str], ...]:
        """Who would get it, and what may come of it."""
        tag, ties = str(call.id(call.args.tag)), call.seen.get("ties")
        has_it = ties is not None and any(row.tag_id == tag for row in ties.tags or ())
        starts = "nothing new: the contact has this tag already" if has_it else _STARTS
        return (*contact_rows(call), ("Starts", starts))

    def warning(self, call: Call) -> str:
        """Said last."""
        return "The tag can be taken off again. Mail that its automations have sent by then cannot be called back."

    @classmethod
    def read_back(cls, key: Mapping[str, Any], since: float) -> ReadBack:
        """By the association: whoever made it, the contact has the tag."""
        contact, tag = key["contact"], key["tag"]
        rows = yield from ties_if_there(contact, "contactTags", ContactTag)
        if rows is None:
            return Finding("absent", f"contact {contact} is gone")
        if any(row.tag_id == str(tag) for row in rows):
            return Finding("present", f"contact {contact} has tag {tag}")
        return Finding("absent", f"contact {contact} does not have tag {tag}")

    def perform(self, call: Call, request: Request) -> Exchange:
        """Send it; "already tagged" is what was wanted."""
        try:
            reply = yield request
        except InvalidRequestError as error:
            if not any(problem.code == "duplicate" or "already" in problem.text for problem in error.problems):
                raise
            return self._tagged(call, ContactTag.from_wire({}))
        return self._tagged(call, one(reply, "contactTag", ContactTag))

    def _tagged(self, call: Call, row: ContactTag) -> Answer:
        return Answer(f"Contact {call.id(call.args.contact)} has tag {call.id(call.args.tag)} now.", row)


class RemoveTag(ActiveCampaignTool):
    """Takes a tag off a contact: `DELETE /contactTags/{id}`.

    The path takes the id of the association. With a tag's id it would take somebody else's tag away, so the
    association is looked up from the contact and the tag, and never taken from the model.
    """

    name: str = "ac_remove_tag"
    description: str = "Take a tag off a contact. The tag itself stays."
    args_schema: type[ContactAndTag] = ContactAndTag
    sentence: ClassVar[str] = "take {tag} off {contact}"
    endpoint: ClassVar[Endpoint] = Endpoint(
        "DELETE",
        "/contactTags/{association}",
        area="tags",
        level=Level.WRITE,
        acts_on="contactTag",
        risk="changes segments",
        event="contact_tag_removed",
        key=("contact", "tag", "status"),
        settles=Settling(
            ("GET /contacts/{contact}/contactTags",),
            "that very association is gone, also if the tag was put on again since, or the contact is gone",
            "the association is still there",
        ),
        shows=PERSON,
        voids=(*WHO, "name of the tag"),
        reads=6,
        inverse="put the tag back, which can start automations",
        changes=("contact",),
    )

    def look(self, call: Call) -> Exchange:
        """Find the association."""
        contact, tag = call.id(call.args.contact), call.id(call.args.tag)
        call.seen["tags"] = yield from ties_of(f"/contacts/{contact}/contactTags", "contactTags", ContactTag)
        for row in call.seen["tags"]:
            # The reply is the contact's own; a row that says otherwise is not one to delete.
            if row.tag_id == str(tag) and row.contact_id in (None, str(contact)):
                call.facts["association"] = int(row.id)
                return None
        return not_found(f"Nothing to do: contact {contact} does not have tag {tag}.")

    def portray(self, call: Call) -> Exchange:
        """Whom it is taken off, and what else they have."""
        yield from super().portray(call)
        yield from portrait(call)

    def rows(self, call: Call) -> tuple[tuple[str, str], ...]:
        """Whom it is taken off."""
        return contact_rows(call)

    def natural_key(self, call: Call) -> Mapping[str, Any]:
        """Contact and tag, and that it goes: putting it on is another effect."""
        return {**super().natural_key(call), "status": "removed", "_association": call.facts.get("association")}

    @classmethod
    def read_back(cls, key: Mapping[str, Any], since: float) -> ReadBack:
        """By the association's absence; a contact that is gone has no tag either."""
        rows = yield from ties_if_there(key["contact"], "contactTags", ContactTag)
        left = [row.id for row in rows or () if row.tag_id == str(key["tag"])]
        return removed(f"tag {key['tag']} on contact {key['contact']}", left, key.get("_association"))

    def build(self, call: Call) -> Request:
        """By the association's id."""
        return Request("DELETE", f"/contactTags/{call.facts['association']:d}")

    def answer(self, call: Call, reply: Any) -> Answer:
        """Gone from this contact."""
        contact, tag = call.id(call.args.contact), call.id(call.args.tag)
        row = ContactTag.from_wire({"id": str(call.facts["association"]), "contact": str(contact), "tag": str(tag)})
        return Answer(f"Took tag {tag} off contact {contact}.", row)

"""Automations: workflows that send mail and change contacts by themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import Field

from ac_guardrails import Answer, Level, Request, quoted
from ac_guardrails._finding import Finding, ReadBack
from ac_guardrails._job import Exchange
from ac_tools._pages import Page
from ac_tools._records import Automation, ContactAutomation
from ac_tools.tools._arguments import Arguments, PagedArguments, sortable
from ac_tools.tools._base import ActiveCampaignTool, not_found
from ac_tools.tools._call import Call
from ac_tools.tools._contact_view import run_text
from ac_tools.tools._endpoint import Endpoint
from ac_tools.tools._portrait import PERSON, WHO, contact_rows, left_lists, naming, portrait, unless_it_fails, who
from ac_tools.tools._read_back import is_since, record_if_there, removed, stamp
from ac_tools.tools._references import AutomationRef, ContactRef, TagRef
from ac_tools.tools._render import collection, content, day, name_map, one, page_answer, word
from ac_tools.tools._settling import Settling
from ac_tools.tools.contacts import OneContact

AutomationOrders = Annotated[str | None, sortable("name", "status", "entered", "cdate", "mdate", "revisions")]


class ListAutomationsArguments(PagedArguments):  # noqa: D101
    search: str | None = None
    active: bool | None = None
    tag: TagRef | None = Field(None, serialization_alias="filters[tag]")
    orders: AutomationOrders = Field(None, description='e.g. "name ASC"')


class ListAutomations(ActiveCampaignTool):
    """Lists automations: `GET /automations`. They cannot be made or changed through the API."""

    name: str = "ac_list_automations"
    description: str = "List or search automations."
    args_schema: type[ListAutomationsArguments] = ListAutomationsArguments
    sentence: ClassVar[str] = "list the automations"
    endpoint: ClassVar[Endpoint] = Endpoint(
        "GET",
        "/automations",
        area="automations",
        level=Level.READ,
        acts_on="automation",
        risk="shows the automations",
        reply="automations",
    )

    def answer(self, call: Call, reply: Any) -> Answer:
        """A line an automation."""
        return page_answer(reply, "automations", Automation, _automation_line, call)


def _automation_line(item: Automation) -> str:
    parts = [item.id, quoted(item.name or "", limit=80), item.status or ""]
    if item.entered is not None:
        parts.append(f"{item.entered} entered")
    return " ".join(part for part in parts if part)


class ListContactAutomations(ActiveCampaignTool):
    """Lists a contact's runs, finished ones too: `GET /contacts/{id}/contactAutomations`."""

    name: str = "ac_list_contact_automations"
    description: str = "List the automations that a contact is or was in."
    args_schema: type[OneContact] = OneContact
    sentence: ClassVar[str] = "list the automations of {contact}"
    endpoint: ClassVar[Endpoint] = Endpoint(
        "GET",
        "/contacts/{contact}/contactAutomations",
        area="automations",
        level=Level.READ,
        acts_on="contactAutomation",
        risk="shows what mail a person gets",
        reply="contactAutomations",
    )
    # As the contact's own link asks (recorded 2021): nothing says how many runs come without a limit.
    defaults: ClassVar[Mapping[str, str]] = {"orders": "lastdate DESC", "limit": "1000"}

    def perform(self, call: Call, request: Request) -> Exchange:
        """Read the runs, and the automations' names. The reply has no total (recorded 2021)."""
        reply = yield request
        runs = collection(reply, "contactAutomations", ContactAutomation)
        names = (yield from name_map(call, "automation", "automations")) if runs else {}
        page = Page(items=tuple(runs), total=len(runs), offset=0, limit=max(len(runs), 1), next_offset=None)
        lines = [run_text(run, names) for run in runs] or ["The contact is in no automation and never was."]
        return Answer(content(*lines), page)


class ContactAndAutomation(Arguments):  # noqa: D101
    contact: ContactRef = Field(description="Id or e-mail address")
    automation: AutomationRef = Field(description="Id or name")


class AddToAutomation(ActiveCampaignTool):
    """Enrols a contact: `POST /contactAutomations`. May send mail at once, which nobody can call back."""

    name: str = "ac_add_to_automation"
    description: str = "Enrol a contact in an automation; it may send mail at once. A person must approve."
    args_schema: type[ContactAndAutomation] = ContactAndAutomation
    sentence: ClassVar[str] = "enrol {contact} in {automation}"
    endpoint: ClassVar[Endpoint] = Endpoint(
        "POST",
        "/contactAutomations",
        area="automations",
        level=Level.FULL,
        acts_on="contactAutomation",
        risk="may send mail at once",
        wrap="contactAutomation",
        reply="contactAutomation",
        key=("contact", "automation"),
        settles=Settling(
            ("GET /contacts/{contact}/contactAutomations",),
            "a run of the contact through it began since the write left, whether or not it is over",
            "none began since, or the contact is gone",
            "a run does not say when it began",
        ),
        shows=(*PERSON, "Would enter", "In it already"),
        voids=(*WHO, "name of the automation", "automation status", "in it already", "opted out of"),
        reads=5,
        inverse="remove the contact from the automation",
        changes=("contact", "automation"),
    )

    def look(self, call: Call) -> Exchange:
        """Who it is: somebody who is not there is no question, and the address is on record, too."""
        yield from who(call)

    def portray(self, call: Call) -> Exchange:
        """The automation and its state, and whether the person is in it or has opted out of something."""
        wanted = call.id(call.args.automation)
        row = yield from unless_it_fails(call, "the automation", call.names.one("automation", wanted), None)
        yield from portrait(call)
        found = Automation.from_wire(row.wire) if row is not None else None
        call.seen["automation"] = found
        call.learn(call.args.automation, found.name if found else None)
        call.bind("automation status", found.status if found else None)
        call.bind("in it already", _place(call))
        call.bind("opted out of", left_lists(call.seen["ties"]))

    @classmethod
    def read_back(cls, key: Mapping[str, Any], since: float) -> ReadBack:
        """By a run that began since, finished or not: one that is older is not ours."""
        contact, automation = key["contact"], key["automation"]
        reply = yield from record_if_there(runs_request(contact))
        if reply is None:
            return Finding("absent", f"contact {contact} is gone")
        unsure = False
        for run in runs_through(reply, contact, automation):
            new = is_since(run.added_at, since, reply)
            if new:
                return Finding("present", f"run {run.id} of contact {contact} began {stamp(run.added_at)}")
            unsure = unsure or new is None
        if unsure:
            return Finding("cannot_tell", f"contact {contact} has a run through automation {automation} without a date")
        return Finding("absent", f"contact {contact} has not entered automation {automation} since")

    def rows(self, call: Call) -> tuple[tuple[str, str], ...]:
        """Whom it happens to, and what they would enter."""
        found = call.seen.get("automation")
        if found is None:
            return contact_rows(call)
        entered = f", {found.entered} entered so far" if found.entered is not None else ""
        asleep = ", so the account may refuse it" if found.status == "inactive" else ""
        return (
            *contact_rows(call),
            ("Would enter", f"{quoted(found.name or '')} (id {found.id}), {word(found.status)}{entered}{asleep}"),
            ("In it already", f"{_place(call)}{_once_only(found, _place(call))}"),
        )

    def warning(self, call: Call) -> str:
        """Said last."""
        return "The contact can be taken out again. Mail that the automation has sent by then cannot be called back."

    def answer(self, call: Call, reply: Any) -> Answer:
        """The run; the contact that the account sends along is left out."""
        run = one(reply, "contactAutomation", ContactAutomation)
        return Answer(
            f"Contact {run.contact_id} is enrolled in automation {run.automation_id} now (run {run.id}).", run
        )


class RemoveFromAutomation(ActiveCampaignTool):
    """Ends a contact's run: `DELETE /contactAutomations/{id}`.

    The path takes the id of the run, which is looked up from the contact and the automation, and never taken from the
    model.
    """

    name: str = "ac_remove_from_automation"
    description: str = "End a contact's run through an automation. Mail already queued may still go."
    args_schema: type[ContactAndAutomation] = ContactAndAutomation
    sentence: ClassVar[str] = "remove {contact} from {automation}"
    endpoint: ClassVar[Endpoint] = Endpoint(
        "DELETE",
        "/contactAutomations/{association}",
        area="automations",
        level=Level.WRITE,
        acts_on="contactAutomation",
        risk="ends a person's run",
        key=("contact", "automation", "status"),
        settles=Settling(
            ("GET /contacts/{contact}/contactAutomations",),
            "that very run is over or gone, also if another one began since, or the contact is gone",
            "the run is still in progress",
        ),
        shows=(*PERSON, "Would leave"),
        voids=(*WHO, "name of the automation", "the run that would end"),
        reads=6,
        inverse="enrol again, which starts from the beginning and may send mail again",
        changes=("contact", "automation"),
    )

    def look(self, call: Call) -> Exchange:
        """Find the run that is in progress; finished ones are listed too."""
        contact, automation = call.id(call.args.contact), call.id(call.args.automation)
        for run in runs_through((yield runs_request(contact)), contact, automation):
            if run.status != "completed":
                call.facts["association"] = int(run.id)
                call.seen["run"] = run
                return None
        return not_found(f"Nothing to do: contact {contact} is not in automation {automation}.")

    def portray(self, call: Call) -> Exchange:
        """Whose run would end."""
        yield from super().portray(call)
        yield from portrait(call)
        call.bind("the run that would end", call.facts["association"])

    def rows(self, call: Call) -> tuple[tuple[str, str], ...]:
        """Whose run would end, and how far it has come."""
        run = call.seen.get("run")
        since = f", in it since {day(run.added_at)}" if run and run.added_at else ""
        return (*contact_rows(call), ("Would leave", f"{naming(call, call.args.automation)}{since}"))

    def warning(self, call: Call) -> str:
        """Said last."""
        return f"Mail that is queued already may still go. {super().warning(call)}"

    def natural_key(self, call: Call) -> Mapping[str, Any]:
        """Contact and automation, and that it ends: enrolling is another effect."""
        return {**super().natural_key(call), "status": "removed", "_association": call.facts.get("association")}

    @classmethod
    def read_back(cls, key: Mapping[str, Any], since: float) -> ReadBack:
        """By the absence of a run in progress; a contact that is gone is in none."""
        contact, automation = key["contact"], key["automation"]
        reply = yield from record_if_there(runs_request(contact))
        runs = runs_through(reply, contact, automation) if reply is not None else []
        left = [run.id for run in runs if run.status != "completed"]
        return removed(f"contact {contact}'s run through automation {automation}", left, key.get("_association"))

    def build(self, call: Call) -> Request:
        """By the run's id."""
        return Request("DELETE", f"/contactAutomations/{call.facts['association']:d}")

    def answer(self, call: Call, reply: Any) -> Answer:
        """Ended."""
        contact, automation = call.id(call.args.contact), call.id(call.args.automation)
        wire = {"id": str(call.facts["association"]), "contact": str(contact), "automation": str(automation)}
        return Answer(f"Removed contact {contact} from automation {automation}.", ContactAutomation.from_wire(wire))


def _place(call: Call) -> str:
    """Whether the person is in the automation, in words that change only when that does."""
    ties = call.seen.get("ties")
    if ties is None or ties.runs is None:
        return "not known"
    runs = [run for run in ties.runs if run.automation_id == str(call.id(call.args.automation))]
    running = next((run for run in runs if run.status != "completed"), None)
    if running is not None:
        return f"yes, since {day(running.added_at) or 'an unknown day'}"
    return "not now, but they were in it before" if runs else "no"


def _once_only(automation: Automation, place: str) -> str:
    """What becomes of somebody who enters again."""
    if not place.startswith(("yes", "not now")) or automation.multi_entry is None:
        return ""
    return ": they would enter once more" if automation.multi_entry else ": people enter it once, so it may be refused"


def runs_request(contact: int) -> Request:
    """A contact's runs, finished ones too, as the contact's own link asks for them (recorded 2021)."""
    params = (("orders[lastdate]", "DESC"), ("limit", "1000"))
    return Request("GET", f"/contacts/{contact:d}/contactAutomations", params)


def runs_through(reply: Any, contact: int, automation: int) -> list[ContactAutomation]:
    """The contact's runs through one automation; a row that says that it is somebody else's is not one."""
    return [
        run
        for run in collection(reply, "contactAutomations", ContactAutomation)
        if run.automation_id == str(automation) and run.contact_id in (None, str(contact))
    ]

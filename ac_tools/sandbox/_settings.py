"""What the sandbox assumes where no recording and no clear documentation says how ActiveCampaign behaves."""

import dataclasses
import difflib
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar
from zoneinfo import ZoneInfo, available_timezones

T = TypeVar("T")
_FLAGS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


@dataclasses.dataclass(frozen=True, slots=True)
class _Rule:
    """What a setting may be: in words, as a test, as read from text, the nearest to something else, and all of them."""

    says: str
    passes: Callable[[Any], bool]
    read: Callable[[str], Any] = str
    near: Callable[[Any], Iterable[object]] = lambda value: ()
    choices: tuple[object, ...] = ()

    def check(self, name: str, value: Any) -> None:
        if not self.passes(value):
            near = " or ".join(map(str, self.near(value)))
            remedy = f" The nearest is {near}." if near else ""
            raise ValueError(f"{name}={value!s:.80} cannot be used: it is {self.says}.{remedy}")


def _listed(choices: Sequence[object]) -> str:
    return f"{', '.join(map(str, choices[:-1]))} or {choices[-1]}"


def _read_flag(text: str) -> Any:
    return _FLAGS.get(text.lower(), text)


def _read_number(kind: Callable[[str], Any]) -> Callable[[str], Any]:
    def read(text: str) -> Any:
        try:
            return kind(text)
        except ValueError:
            return text

    return read


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and not math.isnan(value)


def _status(*choices: int) -> _Rule:
    def near(value: Any) -> list[int]:
        if not _is_number(value):
            return []
        least = min(abs(value - each) for each in choices)
        return [each for each in choices if abs(value - each) == least]

    says = _listed(sorted(choices))
    return _Rule(says, lambda value: _is_number(value) and value in choices, _read_number(int), near, choices)


def _word(*choices: str) -> _Rule:
    near = lambda value: difflib.get_close_matches(str(value), choices, n=1, cutoff=0.4)  # noqa: E731
    return _Rule(_listed(choices), lambda value: isinstance(value, str) and value in choices, str, near, choices)


def _between(low: int, high: int, kind: type = int) -> _Rule:
    def passes(value: Any) -> bool:
        return _is_number(value) and (kind is float or isinstance(value, int)) and low <= value <= high

    near = lambda value: (max(low, min(high, value)),) if _is_number(value) else ()  # noqa: E731
    says = f"a {'whole ' if kind is int else ''}number from {low} to {high}"
    return _Rule(says, passes, _read_number(kind), near)


def _is_zone(value: Any) -> bool:
    try:
        return bool(ZoneInfo(value))
    except (KeyError, OSError, TypeError, ValueError):  # unknown, a folder, no text, or a way out of the folder
        return False


def _is_line(value: Any) -> bool:
    return isinstance(value, str) and all(" " <= mark <= "~" for mark in value)


_FLAG = _Rule("true or false", lambda value: isinstance(value, bool), _read_flag, choices=(True, False))
_LINE = _Rule("one line of ASCII text", _is_line)
_ZONE = _Rule(
    "the name of a time zone such as Europe/Berlin",
    _is_zone,
    str,
    lambda value: difflib.get_close_matches(str(value), available_timezones(), n=1),
)


def _assumed(default: T, why: str, decides: str = "", rule: _Rule | None = None) -> T:
    rule = rule or (_FLAG if isinstance(default, bool) else _LINE)
    return dataclasses.field(default=default, metadata={"why": why, "decides": decides or why, "rule": rule})


def _fixed(default: str, decides: str, why: str) -> str:
    """What would take large work to make a setting: it is named and listed, and cannot be changed."""
    return dataclasses.field(default=default, init=False, metadata={"why": why, "decides": decides, "rule": None})


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """The named assumptions of the sandbox, each with its default.

    The metadata of a field says what it `decides`, `why` it is what it is, and the `rule` of its values. Those without
    a rule are fixed: how the sandbox was built, not to be changed.

    Raises:
        ValueError: a value is none of those that the setting can have.
    """

    unauthorized_status: int = _assumed(
        401,
        "Nobody recorded the answer to a wrong key; documents name 401 and 403.",
        "How a request with a missing or wrong key is refused.",
        _status(401, 403),
    )
    unauthorized_body: str = _assumed(
        "message",
        "The body was never seen; the shapes are those of documented refusals.",
        'The body of that: {"message":"Forbidden"}, a list of errors, or nothing.',
        _word("message", "errors", "empty"),
    )
    forbidden_body: str = _assumed(
        "message",
        "Documented in both shapes; what a plan without the feature answers was never seen.",
        "The body of an ordered 403 that names none, for permissions and plans.",
        _word("message", "errors", "empty"),
    )
    payment_required_body: str = _assumed(
        "empty",
        "One client reports that a suspended account answers nothing.",
        "The body of an ordered 402 that names none.",
        _word("empty", "message"),
    )
    rate_limit_status: int = _assumed(
        429,
        "Documented; a report of 2021 saw 503 instead.",
        "How a request above the account's limit is refused.",
        _status(429, 503),
    )
    rate_limit_retry_after: str = _assumed(
        "1",
        "Documented as whole seconds; never recorded, and the body neither.",
        "The Retry-After of that refusal; empty for none.",
        _LINE,
    )
    rate_limit_headers: bool = _assumed(
        True,
        "Documented; no answer of 2020 and 2021 had them.",
        "Whether an account with a limit tells it in RateLimit headers.",
    )
    unknown_path_status: int = _assumed(
        404, "Never recorded.", "How a path that does not exist is refused.", _status(404, 403)
    )
    wrong_method_status: int = _assumed(
        405, "Never recorded.", "How a method that a path does not have is refused.", _status(405, 404)
    )
    malformed_json_status: int = _assumed(
        400, "Never recorded.", "How a body that is no JSON is refused.", _status(400, 422, 500)
    )
    limit_above_100: str = _assumed(
        "cap",
        "100 is documented as the most; a client's comment says 422 for more.",
        "Whether a page of more than 100 rows is cut down in silence or refused with 422.",
        _word("cap", "refuse"),
    )
    duplicate_tag_status: int = _assumed(
        422,
        "Tag names are documented as unique; the refusal of a second is assumed.",
        "How a tag whose name is taken is refused.",
        _status(422, 400, 409),
    )
    re_tag_status: int = _assumed(
        200,
        "Tagging somebody twice: 200 with the row that exists, by hearsay; or 422.",
        "What tagging a person answers who has the tag already.",
        _status(200, 201, 422),
    )
    invalid_email_status: int = _assumed(
        422,
        "Clients' fixtures disagree between 400 and 422.",
        "How an address is refused that is none.",
        _status(422, 400),
    )
    related_missing_status: int = _assumed(
        422,
        "The body is known from a client's fixture, its status (400) is doubtful.",
        "How subscribing is refused when the person or the list does not exist.",
        _status(422, 400, 404),
    )
    membership_change_status: int = _assumed(
        201,
        "Only a new membership was recorded (201); documents say 200.",
        "What subscribing and unsubscribing answer for somebody who was on the list before.",
        _status(201, 200),
    )
    reenrol_status: int = _assumed(
        422,
        "Documents say 403, an integrator's code catches 422, with the same text.",
        "How an enrolment is refused: inactive, unknown, or single-entry and entered.",
        _status(422, 403),
    )
    missing_enrolment_status: int = _assumed(
        403,
        "Documented as 403 for DELETE; every other resource answers 404.",
        "How ending a run is refused that does not exist.",
        _status(403, 404),
    )
    deals_survive_contact: bool = _assumed(
        True,
        "Whether a person's deals are deleted with them is not documented.",
        "Whether deals stay when their person is deleted.",
    )
    contacts_newest_first: bool = _assumed(
        True,
        "The one recorded page with two people; documents say oldest first.",
        "The order of people where a request asks for none.",
    )
    tags_limit: int = _assumed(
        100,
        "The default page of /tags: ActiveCampaign's own client says 100, the guide 20.",
        "Tags on a page where a request does not say how many.",
        _between(1, 100),
    )
    import_seconds: float = _assumed(
        4.0,
        "An import took 7 s when recorded in 2021; shorter, so that nobody waits.",
        "Seconds of the account's clock until an import is worked off.",
        _between(0, 1_000_000, float),
    )
    era: str = _assumed(
        "2021",
        "Keys came with the years: a day such as 2020-05-24 answers as then. Where no day is known, from 2021 on.",
        "The day, month or year whose form records have.",
    )
    timezone: str = _assumed(
        "America/Chicago",
        "The zone of every account recorded in 2020 and 2021.",
        "The zone in which times are told, and dates read that name none.",
        _ZONE,
    )
    resubscribe: str = _fixed(
        "allowed",
        "Subscribing somebody who opted out or bounced brings them back, with or without sourceid 4.",
        "Documented without a refusal; never recorded.",
    )
    unsubscribe_stranger: str = _fixed(
        "new row",
        "Unsubscribing somebody who is not on the list makes a row with status 2.",
        "Neither documented nor recorded.",
    )
    campaign_created: str = _fixed(
        "draft",
        "POST /campaign makes a draft and answers 200 with a flat body; no request can schedule or send it.",
        "Documented; never recorded.",
    )
    contact_deleted: str = _fixed(
        "gone",
        "A deleted person is gone with tags, memberships, values and runs; sync and import make a new one.",
        "A newer interface archives instead; the API was not recorded with it.",
    )
    delete_quota: str = _fixed(
        "none", "People can be deleted without a monthly limit.", "A limit is documented, its answer is not."
    )
    exclude_automations: str = _fixed(
        "either place",
        "An import starts no automations when told so for one person or for all.",
        "The documents' text and example disagree about the place.",
    )
    removal_stops_runs: str = _fixed(
        "no", "Taking a tag or a subscription away ends no automation.", "Neither documented nor recorded."
    )
    runs_are_still: str = _fixed(
        "yes", "A run sends nothing and stays at its first step until it is ended.", "Nobody is mailed by a sandbox."
    )
    tag_with_comma: str = _fixed(
        "422 field_invalid", "How a tag name with a comma is refused; a long one is taken.", "The rule is documented."
    )
    unknown_contact_or_tag: str = _fixed(
        "404", "How tagging is refused for a person or tag that does not exist.", "Documented for the person only."
    )
    deal_refusal: str = _fixed(
        "422 field_missing",
        "How a deal is refused that lacks a field or has a bad one; a missing deal is a 404 of class Deal.",
        "Nothing was recorded; the shape is that of other resources.",
    )
    deal_stage_null: str = _fixed(
        "first stage", "A stage of null puts a deal in its pipeline's first stage.", "Recorded for that stage only."
    )
    deals_disabled: str = _fixed(
        "pipeline gone",
        "A deal comes in its short form when its pipeline is gone; nobody lacks the permission.",
        "The form was recorded, its cause was not.",
    )
    limit_below_1: str = _fixed(
        "default page", "A limit of 0, below 0 or in words is taken as none.", "Neither documented nor recorded."
    )
    other_orders: str = _fixed(
        "oldest first", "Lists, tags and accounts come in the order of their ids.", "Recorded with too few rows."
    )
    filters_together: str = _fixed(
        "and", "Several filters of one request must all be met.", "Neither documented nor recorded."
    )
    bare_dates: str = _fixed(
        "account's zone", "A date in a filter without a zone is one of the account's zone.", "Not documented."
    )
    email_case: str = _fixed("ignored", "An address is found in any case and kept as it was sent.", "Not documented.")
    total_is_text: str = _fixed(
        "yes", "meta.total is text, but for deals.", "Recorded for most; automations and campaigns never were."
    )
    element_counts: str = _fixed(
        "numbers", "A run tells its steps as numbers when read, as text when made.", "Sources of two ages disagree."
    )
    automation_status: str = _fixed(
        "number", "An automation's status is a number, not text.", "Documented in 2025; text in 2018."
    )
    field_values_free: str = _fixed(
        "yes",
        "A field takes a value that is none of its options; two fields may have one perstag.",
        "Clients tell of a 422 that names no field.",
    )
    field_option_paths: str = _fixed(
        "both", "Options are made at /fieldOption/bulk and /fieldOptions/bulk.", "One is recorded, one in a client."
    )
    list_stringid: str = _fixed(
        "from the name", "A list without a stringid gets one; a taken one is taken again.", "The client omits it."
    )
    partial_list_change: str = _fixed(
        "dropped",
        "Changing a list without all that is required answers 200 with X-Ac-Error: Code 9001, and changes nothing.",
        "Recorded once; that nothing was changed is inferred, and no other code is known.",
    )
    include_ignored: str = _fixed(
        "yes", "include= and filters that nobody knows change nothing.", "Recorded for some of them."
    )
    sync_keeps: str = _fixed("yes", "A sync keeps what it does not send.", "Only a sync of every field was recorded.")
    account_name_case: str = _fixed(
        "ignored",
        "Two companies cannot differ in case alone; any URL is taken.",
        "The rule is documented, not its case.",
    )
    import_refusal: str = _fixed(
        "400", "How an import is refused that is too long, too large or wrong.", "Documented for wrong addresses."
    )
    import_repeats: str = _fixed(
        "in their order", "An address that is twice in an import is one person, changed twice.", "Not documented."
    )
    import_callback: str = _fixed(
        "never called", "An import calls no callback URL.", "A sandbox sends nothing; the body was never seen."
    )
    import_unknown_batch: str = _fixed(
        "200 false", "An unknown import is answered like one of the first second.", "Not documented."
    )
    field_option_deleted: str = _fixed(
        "dropped",
        "Deleting one option of a field answers 200 with X-Ac-Error: Code 9001, and deletes nothing.",
        "Recorded once; that nothing was deleted is inferred.",
    )
    stages_stay: str = _fixed(
        "yes",
        "The stages of a deleted pipeline stay among all stages.",
        "Recorded pages of stages name pipelines that were gone.",
    )
    other_records: str = _fixed(
        "kept as they are",
        "Groups, addresses, notes, tasks and webhooks refer to anything; filters compare their text exactly.",
        "Their success was recorded or documented, no refusal was.",
    )
    webhooks: str = _fixed(
        "never called", "A webhook can be made, and nothing that happens calls it.", "A sandbox sends nothing."
    )

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            if field.init:
                field.metadata["rule"].check(field.name, getattr(self, field.name))

    @classmethod
    def of(cls, texts: Iterable[str]) -> "Settings":
        """Settings from texts such as `unauthorized_status=403`; the last of a name counts.

        Raises:
            ValueError: a text is no name=value, the name is none or fixed, or the value is not one of its values.
        """
        fields = {field.name: field for field in dataclasses.fields(cls)}
        given: dict[str, Any] = {}
        for text in texts:
            name, equals, value = text.partition("=")
            if not name or not equals:
                raise ValueError(f"{text!r} cannot be set: write name=value, such as unauthorized_status=403.")
            if name not in fields:
                near = difflib.get_close_matches(name, fields, n=1, cutoff=0.0)
                raise ValueError(f"There is no assumption {name!r:.80}. Did you mean {near[0]}?")
            if not fields[name].init:
                raise ValueError(f"{name} is fixed at {fields[name].default!r}: the sandbox is built on it.")
            given[name] = fields[name].metadata["rule"].read(value)
        return cls(**given)

    def body(self, status: int, text: str, kind: str | None = None) -> Any:
        """The body of a refusal: a message, a list of errors, or None for nothing.

        Args:
            status: the refusal's status.
            text: its phrase.
            kind: which of the three; without it what is assumed for the status.
        """
        kind = kind or {402: self.payment_required_body, 403: self.forbidden_body}.get(status, "message")
        if kind == "errors":
            return {"errors": [{"status": status, "title": text, "detail": "You do not have permission to do that."}]}
        return {"message": text} if kind == "message" else None

"""What the sandbox assumes where no recording and no clear documentation says how ActiveCampaign behaves."""

import dataclasses
import difflib
from collections.abc import Iterable
from typing import Any

from ac_tools.sandbox._settings_catalogue import Catalogue
from ac_tools.sandbox._settings_people import People
from ac_tools.sandbox._settings_requests import Requests
from ac_tools.sandbox._settings_sales import Sales

AREAS = {
    "Requests and pages": Requests,
    "People and imports": People,
    "Lists, tags and fields": Catalogue,
    "Automations, deals and companies": Sales,
}


@dataclasses.dataclass(frozen=True)
class Settings(Sales, Catalogue, People, Requests):  # the fields of the last come first
    """The named assumptions of the sandbox, each with its default.

    The metadata of a field says what it `decides`, `why` it is what it is, and the `rule` of its values. Those without
    a rule are fixed: how the sandbox was built, not to be changed.

    Raises:
        ValueError: a value is none of those that the setting can have.
    """

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
        given: dict[str, Any] = {}
        for text in texts:
            name, equals, value = text.partition("=")
            if not name or not equals:
                raise ValueError(f"{text!r} cannot be set: write name=value, such as unauthorized_status=403.")
            field = _field(name)
            if not field.init:
                raise ValueError(f"{name} is fixed at {field.default!r}: the sandbox is built on it.")
            given[name] = field.metadata["rule"].read(value)
        return cls(**given)

    @classmethod
    def choices(cls, name: str) -> tuple[Any, ...]:
        """The values that an assumption can have; none where it is fixed, or takes any text or number.

        Raises:
            ValueError: there is no assumption of this name.
        """
        rule = _field(name).metadata["rule"]
        return rule.choices if rule else ()

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


def _field(name: str) -> dataclasses.Field[Any]:
    fields = {field.name: field for field in dataclasses.fields(Settings)}
    if name not in fields:
        near = difflib.get_close_matches(name, fields, n=1, cutoff=0.0)
        raise ValueError(f"There is no assumption {name!r:.80}. Did you mean {near[0]}?")
    return fields[name]

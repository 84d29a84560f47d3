"""What the sandbox assumes where no recording and no clear documentation says how ActiveCampaign behaves."""

import dataclasses
from typing import TypeVar

T = TypeVar("T")


def _assumed(default: T, why: str) -> T:
    return dataclasses.field(default=default, metadata={"why": why})


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """The named assumptions of the sandbox, each with its default; the field's metadata `why` says what it rests on."""

    unauthorized_status: int = _assumed(401, "Nobody recorded the answer to a wrong key; documents name 401 and 403.")
    duplicate_tag_status: int = _assumed(422, "Tag names are documented as unique; the refusal of a second is assumed.")
    re_tag_status: int = _assumed(200, "Tagging somebody twice: 200 with the row that exists, by hearsay; or 422.")
    invalid_email_status: int = _assumed(422, "Clients' fixtures disagree between 400 and 422.")
    related_missing_status: int = _assumed(
        422, "The body is known from a client's fixture, its status (400) is doubtful."
    )
    membership_change_status: int = _assumed(201, "Only a new membership was recorded (201); documents say 200.")
    reenrol_status: int = _assumed(422, "Documents say 403, an integrator's code catches 422, with the same text.")
    missing_enrolment_status: int = _assumed(403, "Documented as 403 for DELETE; every other resource answers 404.")
    deals_survive_contact: bool = _assumed(True, "Whether a person's deals are deleted with them is not documented.")
    contacts_newest_first: bool = _assumed(True, "The one recorded page with two people; documents say oldest first.")
    tags_limit: int = _assumed(100, "The default page of /tags: ActiveCampaign's own client says 100, the guide 20.")
    import_seconds: float = _assumed(4.0, "An import took 7 s when recorded in 2021; shorter, so that nobody waits.")
    timezone: str = _assumed("America/Chicago", "The zone of every account recorded in 2020 and 2021.")

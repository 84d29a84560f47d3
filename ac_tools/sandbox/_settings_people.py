"""What is assumed of people: finding, changing, deleting and importing them."""

import dataclasses

from ac_tools.sandbox._assumptions import assumed, between, fixed, status, word


@dataclasses.dataclass(frozen=True)
class People:
    """People and imports."""

    invalid_email_status: int = assumed(
        422,
        "How an address is refused that is none.",
        "Clients' fixtures disagree between 400 and 422.",
        status(422, 400),
    )
    email_case: str = assumed(
        "ignored",
        "An address in another case is the same person's, and kept as it was sent (ignored) or in lower case "
        "(lowered); or it is another person's (distinct).",
        "Not documented.",
        word("ignored", "lowered", "distinct"),
    )
    contacts_newest_first: bool = assumed(
        True,
        "The order of people where a request asks for none.",
        "The one recorded page with two people; documents say oldest first.",
    )
    filters_together: str = assumed(
        "and",
        "Whether people and deals must meet all filters of a request, or one of them. Ids and exclude always count.",
        "Neither documented nor recorded.",
        word("and", "or"),
    )
    sync_keeps: bool = assumed(
        True,
        "Whether a sync keeps a name and phone that it does not send, or blanks them.",
        "Only a sync of every field was recorded.",
    )
    contact_deleted: str = assumed(
        "gone",
        "A deleted person is gone with tags, memberships, values and runs. Revived: sync and import of the address "
        "bring the person back under the same id, without those.",
        "A newer interface archives instead; the API was not recorded with it.",
        word("gone", "revived"),
    )
    delete_quota: int = assumed(
        0,
        "People that can be deleted in a calendar month, the next being refused with 403; 0 for any number.",
        "A limit is documented, neither its height nor its answer is.",
        between(0, 1_000_000),
    )
    deals_survive_contact: bool = assumed(
        True,
        "Whether deals stay when their person is deleted.",
        "Whether a person's deals are deleted with them is not documented.",
    )
    import_seconds: float = assumed(
        4.0,
        "Seconds of the account's clock until an import is worked off.",
        "An import took 7 s when recorded in 2021; shorter, so that nobody waits.",
        between(0, 1_000_000, float),
    )
    import_refusal: int = assumed(
        400,
        "How an import is refused that is too long, too large or wrong.",
        "Documented for wrong addresses.",
        status(400, 422),
    )
    import_repeats: str = assumed(
        "in_order",
        "Whether an address that is twice in an import is one person changed twice, changed by the first only, or a "
        "reason to refuse the import.",
        "Not documented.",
        word("in_order", "first", "refused"),
    )
    exclude_automations: str = assumed(
        "either",
        "Where an import is told to start no automations: for each contact, for the whole payload, or in either place.",
        "The documents' text and example disagree about the place.",
        word("either", "contact", "payload"),
    )
    import_unknown_batch: int = assumed(
        200,
        "How a question about an unknown import is answered; 200 is the answer of an import's first second.",
        "Not documented.",
        status(200, 404, 400),
    )
    import_callback: str = fixed(
        "never called", "An import calls no callback URL.", "A sandbox sends nothing; the body was never seen."
    )

"""What is assumed of automations, deals, companies, and what the account only keeps."""

import dataclasses

from ac_tools.sandbox._assumptions import assumed, fixed, status, word


@dataclasses.dataclass(frozen=True)
class Sales:
    """Automations, deals and companies."""

    reenrol_status: int = assumed(
        422,
        "How an enrolment is refused: inactive, unknown, or single-entry and entered.",
        "Documents say 403, an integrator's code catches 422, with the same text.",
        status(422, 403),
    )
    missing_enrolment_status: int = assumed(
        403,
        "How ending a run is refused that does not exist.",
        "Documented as 403 for DELETE; every other resource answers 404.",
        status(403, 404),
    )
    removal_stops_runs: bool = assumed(
        False,
        "Whether taking a tag or a subscription away ends the person's runs of the automations that it starts.",
        "Neither documented nor recorded.",
    )
    runs_are_still: str = fixed(
        "yes", "A run sends nothing and stays at its first step until it is ended.", "Nobody is mailed by a sandbox."
    )
    automation_status: str = assumed(
        "number",
        "Whether an automation's status is a number or text.",
        "Documented as a number in 2025, as text in 2018.",
        word("number", "text"),
    )
    element_counts: str = assumed(
        "numbers",
        "Whether a run that is read tells its steps as numbers or as text; when made it tells them as text.",
        "Sources of two ages disagree.",
        word("numbers", "text"),
    )
    deal_refusal: int = assumed(
        422,
        "How a deal is refused that lacks a field or has a bad one: 422 with a list of errors, or 400 with {}.",
        "Nothing was recorded; the list is that of other resources, the 400 is documented.",
        status(422, 400),
    )
    deal_values_free: bool = assumed(
        False,
        "Whether a deal takes a negative value and a currency in upper case, which it then keeps in lower case.",
        "Documented as at least 0 and in lower case; no refusal was recorded.",
    )
    deal_class: str = assumed(
        "Deal",
        "What the 404 of a missing deal calls it.",
        "The second name stands in the documents; neither was recorded.",
        word("Deal", "SubscriberDeal"),
    )
    deal_stage_null: str = assumed(
        "first",
        "Whether a change with a stage of null puts a deal in its pipeline's first stage, or leaves it where it is.",
        "Recorded for a deal in the first stage only.",
        word("first", "unchanged"),
    )
    deals_disabled: str = assumed(
        "pipeline_gone",
        "Whether a deal whose pipeline is gone comes in the short form of three keys, or never does. Nobody lacks the "
        "permission.",
        "The form was recorded, its cause was not.",
        word("pipeline_gone", "never"),
    )
    stages_stay: str = fixed(
        "yes",
        "The stages of a deleted pipeline stay among all stages.",
        "Recorded pages of stages name pipelines that were gone.",
    )
    account_name_case: str = assumed(
        "ignored",
        "Whether two companies can differ in case alone (distinct) or not; any URL is taken.",
        "The rule is documented, not its case.",
        word("ignored", "distinct"),
    )
    campaign_created: str = fixed(
        "draft",
        "POST /campaign makes a draft and answers 200 with a flat body; no request can schedule or send it.",
        "Documented; never recorded, and anything else would be a model of sending.",
    )
    other_records: str = fixed(
        "kept as they are",
        "Groups, addresses, notes, tasks and webhooks refer to anything; filters compare their text exactly.",
        "Their success was recorded or documented, no refusal was.",
    )
    webhooks: str = fixed(
        "never called", "A webhook can be made, and nothing that happens calls it.", "A sandbox sends nothing."
    )

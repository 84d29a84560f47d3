"""What is assumed of lists, tags and custom fields."""

import dataclasses

from ac_tools.sandbox._assumptions import assumed, between, status, word


@dataclasses.dataclass(frozen=True)
class Catalogue:
    """Lists, tags and fields."""

    resubscribe: str = assumed(
        "allowed",
        "Whether subscribing brings back who opted out or bounced: always, unless they bounced, only with sourceid 4 "
        "(otherwise 422), or never (403).",
        "Documented without a refusal; a permission of that name was recorded, its effect never was.",
        word("allowed", "unless_bounced", "with_sourceid_4", "refused"),
    )
    unsubscribe_stranger: str = assumed(
        "new_row",
        "Whether unsubscribing somebody who is not on the list makes a row with status 2, or is refused with 404.",
        "Neither documented nor recorded.",
        word("new_row", "refused"),
    )
    related_missing_status: int = assumed(
        422,
        "How subscribing is refused when the person or the list does not exist.",
        "The body is known from a client's fixture, its status (400) is doubtful.",
        status(422, 400, 404),
    )
    membership_change_status: int = assumed(
        201,
        "What subscribing and unsubscribing answer for somebody who was on the list before.",
        "Only a new membership was recorded (201); documents say 200.",
        status(201, 200),
    )
    list_stringid: str = assumed(
        "made",
        "Whether a list without a stringid gets one made from its name, or is refused with 422.",
        "Documented as required; ActiveCampaign's own client omits it.",
        word("made", "required"),
    )
    duplicate_stringid_status: int = assumed(
        201,
        "How a list is answered whose stringid is taken; 201 takes it again.",
        "Neither documented nor recorded.",
        status(201, 422, 400),
    )
    partial_list_change: str = assumed(
        "dropped",
        "Changing a list without all that is required answers 200 with X-Ac-Error: Code 9001. Whether that drops what "
        "was sent, or changes it all the same.",
        "Recorded once; that nothing was changed is inferred, and no other code is known.",
        word("dropped", "changed"),
    )
    duplicate_tag_status: int = assumed(
        422,
        "How a tag whose name is taken is refused.",
        "Tag names are documented as unique; the refusal of a second is assumed.",
        status(422, 400, 409),
    )
    tag_with_comma: int = assumed(
        422, "How a tag name with a comma is answered; 201 takes it.", "The rule is documented.", status(422, 400, 201)
    )
    long_tag_status: int = assumed(
        201,
        "How a tag name of more than 255 characters is answered; 201 takes it.",
        "No limit is documented.",
        status(201, 422, 400),
    )
    re_tag_status: int = assumed(
        200,
        "What tagging a person answers who has the tag already.",
        "Tagging somebody twice: 200 with the row that exists, by hearsay; or 422.",
        status(200, 201, 422),
    )
    unknown_contact_or_tag: int = assumed(
        404,
        "How tagging is refused for a person or tag that does not exist.",
        "Documented for the person only.",
        status(404, 400, 422),
    )
    tags_limit: int = assumed(
        100,
        "Tags on a page where a request does not say how many.",
        "The default page of /tags: ActiveCampaign's own client says 100, the guide 20.",
        between(1, 100),
    )
    field_values_free: bool = assumed(
        True,
        "Whether a field takes a value that is none of its options; otherwise it is refused with 422.",
        "Clients tell of a 422 that names no field.",
    )
    unknown_field_type_status: int = assumed(
        422,
        "How a field of a type that is not documented is answered; 201 takes it.",
        "The list of types is documented, its refusal is not, and some types are missing from it.",
        status(422, 400, 201),
    )
    duplicate_perstag_status: int = assumed(
        201,
        "How a field is answered whose personalization tag is taken; 201 takes it again.",
        "Neither documented nor recorded.",
        status(201, 422, 400),
    )
    field_option_paths: str = assumed(
        "both",
        "Whether options are made at /fieldOption/bulk (singular), at /fieldOptions/bulk (plural), or at both.",
        "One is recorded, one in a client.",
        word("both", "singular", "plural"),
    )
    field_option_deleted: str = assumed(
        "dropped",
        "Deleting one option of a field answers 200 with X-Ac-Error: Code 9001. Whether that drops the request, or "
        "the option is deleted all the same.",
        "Recorded once; that nothing was deleted is inferred.",
        word("dropped", "deleted"),
    )

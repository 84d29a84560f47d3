"""What is assumed of requests as such: keys, rates, paths, pages and times."""

import dataclasses

from ac_tools.sandbox._assumptions import LINE, ZONE, assumed, fixed, status, word


@dataclasses.dataclass(frozen=True)
class Requests:
    """Requests and pages."""

    unauthorized_status: int = assumed(
        401,
        "How a request with a missing or wrong key is refused.",
        "Nobody recorded the answer to a wrong key; documents name 401 and 403.",
        status(401, 403),
    )
    unauthorized_body: str = assumed(
        "message",
        'The body of that: {"message":"Forbidden"}, a list of errors, or nothing.',
        "The body was never seen; the shapes are those of documented refusals.",
        word("message", "errors", "empty"),
    )
    forbidden_body: str = assumed(
        "message",
        "The body of a 403 for permissions, plans and limits, and of an ordered one that names none.",
        "Documented in both shapes; what a plan without the feature answers was never seen.",
        word("message", "errors", "empty"),
    )
    payment_required_body: str = assumed(
        "empty",
        "The body of an ordered 402 that names none.",
        "One client reports that a suspended account answers nothing.",
        word("empty", "message"),
    )
    rate_limit_status: int = assumed(
        429,
        "How a request above the account's limit is refused.",
        "Documented; a report of 2021 saw 503 instead.",
        status(429, 503),
    )
    rate_limit_retry_after: str = assumed(
        "1",
        "The Retry-After of that refusal; empty for none.",
        "Documented as whole seconds; never recorded, and the body neither.",
        LINE,
    )
    rate_limit_headers: bool = assumed(
        True,
        "Whether an account with a limit tells it in RateLimit headers.",
        "Documented; no answer of 2020 and 2021 had them.",
    )
    unknown_path_status: int = assumed(
        404, "How a path that does not exist is refused.", "Never recorded.", status(404, 403)
    )
    wrong_method_status: int = assumed(
        405, "How a method that a path does not have is refused.", "Never recorded.", status(405, 404)
    )
    unknown_path_body: str = assumed(
        "message",
        "The body of both: a message, a page of HTML, or nothing.",
        "Never recorded.",
        word("message", "html", "empty"),
    )
    malformed_json_status: int = assumed(
        400, "How a body that is no JSON is refused.", "Never recorded.", status(400, 422, 500)
    )
    limit_above_100: str = assumed(
        "cap",
        "Whether a page of more than 100 rows is cut down in silence or refused with 422.",
        "100 is documented as the most; a client's comment says 422 for more.",
        word("cap", "refuse"),
    )
    limit_below_1: str = assumed(
        "default",
        "Whether a limit of 0, below 0 or in words is taken as none, or refused with 422.",
        "Neither documented nor recorded.",
        word("default", "refuse"),
    )
    other_orders: str = assumed(
        "oldest",
        "Whether the oldest or the newest of lists, tags and companies come first.",
        "Recorded with too few rows.",
        word("oldest", "newest"),
    )
    total_is_text: bool = assumed(
        True,
        "Whether meta.total of automations, campaigns, segments and webhooks is text, as most are, or a number.",
        "Text is documented for these; they never were recorded.",
    )
    include_ignored: str = fixed(
        "yes",
        "include= and filters that nobody knows change nothing.",
        "Recorded for some of them; what include= would bring, nobody has shown.",
    )
    bare_dates: str = assumed(
        "account",
        "Whether a date in a filter without a zone is one of the account's zone or of UTC.",
        "Not documented.",
        word("account", "utc"),
    )
    era: str = assumed(
        "2021",
        "The day, month or year whose form records have.",
        "Keys came with the years: a day such as 2020-05-24 answers as then. Where no day is known, from 2021 on.",
    )
    timezone: str = assumed(
        "America/Chicago",
        "The zone in which times are told, and dates read that name none.",
        "The zone of every account recorded in 2020 and 2021.",
        ZONE,
    )

"""What error answers become."""

import json
import pickle

import httpx
import pytest

from ac_tools import _errors
from ac_tools._errors import (
    ActiveCampaignError,
    AuthenticationError,
    ConnectError,
    ForbiddenError,
    InvalidRequestError,
    NotFoundError,
    OutcomeUnknownError,
    PaymentRequiredError,
    Problem,
    RateLimitError,
    ServerError,
    UnreadableResponseError,
)
from ac_tools._http import LARGEST_BODY, MEANING


@pytest.fixture
def failing(on, go):
    """The error that an answer becomes."""

    def fail(status, body=b"", headers=None, method="POST", path="/contacts", params=()):
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        account = on(
            lambda _: httpx.Response(status, stream=httpx.ByteStream(content), headers=headers), retries=0, limit=None
        )
        with pytest.raises(ActiveCampaignError) as caught:
            go(account, method, path, params)
        return caught.value

    return fail


@pytest.mark.parametrize(
    ("status", "body", "kind", "outcome"),
    [
        (400, {}, InvalidRequestError, "refused"),
        (401, {"message": "Forbidden"}, AuthenticationError, "refused"),
        (402, b"", PaymentRequiredError, "refused"),
        (403, {"message": "Forbidden"}, ForbiddenError, "refused"),
        (403, {"message": "No Result found for SubscriberSeries with id 3"}, NotFoundError, "refused"),
        (404, {"message": "No Result found for Tag with id 3"}, NotFoundError, "refused"),
        (405, b"", InvalidRequestError, "refused"),
        (422, {"errors": "Bulk operation failed."}, InvalidRequestError, "refused"),
        (429, b"", RateLimitError, "refused"),
        (400, {"success": 0, "message": "Rate limit exceeded.", "failureReasons": ["x"]}, RateLimitError, "refused"),
        (500, b"", ServerError, "unknown"),
        (503, b"<html><title>Busy</title>", ServerError, "unknown"),
        (200, b"", UnreadableResponseError, "unknown"),
        (204, b"", UnreadableResponseError, "unknown"),
        (200, b"<html></html>", UnreadableResponseError, "unknown"),
        (200, b'{"contact": {"id": Infinity}}', UnreadableResponseError, "unknown"),
        (200, b"null", UnreadableResponseError, "unknown"),
        (200, b"\xff\xfe\xfd", UnreadableResponseError, "unknown"),
        (200, b"[" * 500 + b"]" * 500, UnreadableResponseError, "unknown"),
        (200, b"[" * 100_000, UnreadableResponseError, "unknown"),
        (200, b'{"n":' + b"9" * 5000 + b"}", UnreadableResponseError, "unknown"),
        (200, {"succeeded": 0, "message": "no"}, InvalidRequestError, "refused"),
        (200, {"success": "0", "message": "no"}, InvalidRequestError, "refused"),
        (200, {"errors": ["no"]}, InvalidRequestError, "unknown"),
        (301, b"", UnreadableResponseError, "refused"),
        (302, b"", UnreadableResponseError, "unknown"),
    ],
)
def test_an_answer_has_its_class_and_says_what_became_of_a_write(failing, status, body, kind, outcome):
    """Each status and each disguised error raises its own class with the right outcome and status."""
    error = failing(status, body)
    assert (type(error), error.outcome, error.status) == (kind, outcome, status)
    assert len(str(error)) <= 500
    assert str(error).endswith(".")


def test_an_empty_200_with_x_ac_error_is_no_success(failing):
    """The rejected write of 2021 (200, no body, X-Ac-Error) raises, names the code and leaves the outcome open."""
    error = failing(200, b"", {"X-Ac-Error": "Code 9001", "X-Request-Id": "abc"}, "PUT", "/lists/64")
    assert type(error) is InvalidRequestError
    assert (error.outcome, error.problems[0].code, error.request_id) == ("unknown", "Code 9001", "abc")
    assert "list 64" in str(error)


@pytest.mark.parametrize("content_type", ["application/json", "text/html; charset=UTF-8", "text/plain"])
@pytest.mark.parametrize(
    ("body", "problems"),
    [
        ({"message": "Nope."}, [Problem("Nope.")]),
        (
            {
                "errors": [
                    {
                        "title": "Invalid value for query parameter contactTag.tag",
                        "detail": "No tag id provided",
                        "source": {"parameter": "contactTag.tag"},
                    }
                ]
            },
            [Problem("Invalid value for query parameter contactTag.tag: No tag id provided", None, "contactTag.tag")],
        ),
        (
            {
                "errors": [
                    {"title": "T", "code": "related_missing", "error": "list_not_exist", "source": {"pointer": "/x"}}
                ]
            },
            [Problem("T", "related_missing", "/x")],
        ),
        (
            {"errors": [{"status": 403, "title": "Forbidden", "detail": "You may not view lists."}]},
            [Problem("You may not view lists.")],
        ),
        ({"errors": ["a", "b"]}, [Problem("a"), Problem("b")]),
        ({"errors": "a"}, [Problem("a")]),
        (
            {"success": 0, "message": "m", "failureReasons": [{"contact": 230, "failureReason": "bad"}, "other"]},
            [Problem("m"), Problem("contact 230: bad", None, "/contacts/230"), Problem("other")],
        ),
        ({"succeeded": 0, "message": "m"}, [Problem("m")]),
        ({}, []),
        (b"plain words", [Problem("plain words")]),
        (b"<html><head><title>Bad Gateway</title>" + b"<p>x" * 999, [Problem("Bad Gateway")]),
        ({"message": {"x": 1}, "errors": {"y": [None, 5]}, "failureReasons": 7}, []),
    ],
)
def test_every_known_shape_of_an_error_body_is_read(failing, body, problems, content_type):
    """All shapes of error bodies give their problems, whatever the content type says."""
    assert list(failing(400, body, {"Content-Type": content_type}).problems) == problems


@pytest.mark.parametrize("status", [403, 422])
@pytest.mark.parametrize("key", ["message", "errors"])
def test_a_failed_enrolment_names_its_causes(failing, status, key):
    """A failed enrolment is explained under both statuses and in both shapes."""
    text = "Could not create SubscriberSeries"
    body = {key: text} if key == "message" else {key: [{"status": "422", "detail": text}]}
    said = str(failing(status, body, path="/contactAutomations"))
    assert all(word in said for word in ("inactive", "in it already", "ids does not exist"))
    assert "SubscriberSeries" not in said


@pytest.mark.parametrize(
    ("name", "noun"),
    [
        ("Subscriber", "contact"),
        ("_List", "list"),
        ("SubscriberTag", "tag on the contact"),
        ("SubscriberSeries", "enrolment"),
        ("CustomerAccount", "account"),
        ("Deal", "deal"),
    ],
)
def test_a_missing_record_is_named_in_plain_nouns(failing, name, noun):
    """A 404 speaks of contacts and lists, not of the account's internal classes."""
    said = str(failing(404, {"message": f"No Result found for {name} with id 35"}, method="GET", path="/contacts/35"))
    assert f"there is no {noun} with id 35" in said
    assert "Subscriber" not in said


def test_a_key_problem_says_where_the_key_is_found(failing):
    """Both 401 and the 403 of a bad key point to Settings > Developer."""
    assert "Settings > Developer" in str(failing(401))
    assert "Settings > Developer" in str(failing(403, {"message": "Forbidden"}))


def test_a_duplicate_says_to_use_what_exists(failing):
    """A duplicate tells the model to look the record up rather than to try again."""
    error = failing(422, {"errors": [{"title": "Email exists", "code": "duplicate"}]})
    assert "look it up" in str(error)


def test_texts_are_bounded_inert_and_without_secrets(failing, key):
    """A hostile error body shows neither key nor query values nor control marks, and not much of anything."""
    text = f"\x1b[31m{key}\u202e jane@example.com\n\n{key.upper()} " + "x" * 10_000
    error = failing(
        400, {"errors": [text] * 1000}, {"X-Request-Id": key}, "GET", "/contacts", [("email", "jane@example.com")]
    )
    everything = f"{error} {error!r} {error.problems} {error.request_id} {vars(error)}"
    assert key.lower() not in everything.lower()
    assert "jane@" not in everything
    assert not any(mark in everything for mark in ("\x1b", "\u202e", "\n", "\\x1b", "\\u202e"))
    assert len(str(error)) <= 500
    assert len(error.problems) <= 20
    assert all(len(problem.text) <= 500 for problem in error.problems)


def test_a_body_beyond_the_bound_is_not_read(on, go):
    """Reading stops soon after the largest body that is wanted."""
    read = []

    class Endless(httpx.SyncByteStream):
        def __iter__(self):
            while len(read) < 100:
                read.append(1)
                yield b" " * 1_000_000

    account = on(lambda _: httpx.Response(200, stream=Endless()))
    with pytest.raises(UnreadableResponseError, match="too large"):
        go(account)
    assert len(read) <= LARGEST_BODY // 1_000_000 + 2


def test_a_broken_compression_is_an_unreadable_answer(failing):
    """A body that is not the gzip it claims to be is judged by its status: a 400 was refused, a 200 is open."""
    assert failing(200, b"not gzip", {"Content-Encoding": "gzip"}).outcome == "unknown"
    assert failing(400, b"not gzip", {"Content-Encoding": "gzip"}).outcome == "refused"


@pytest.mark.parametrize("body", [{}, [], {"success": [], "failure": [], "status": "completed"}, {"success": 1}])
def test_success_is_left_alone(on, go, body):
    """An empty object, a PHP empty array and an import's list of successes are successes."""
    account = on(lambda _: httpx.Response(200, json=body, headers={"Content-Type": "text/html", "X-Request-Id": "r"}))
    reply = go(account, "DELETE")
    assert (reply.status, reply.data, reply.request_id) == (200, body, "r")
    assert reply.bytes > 0


def test_errors_survive_pickling(failing):
    """An error comes out of another process whole."""
    error = failing(422, {"errors": [{"title": "Email exists", "code": "duplicate"}]})
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), vars(again)) == (type(error), str(error), vars(error))


def test_the_tree_is_the_one_that_is_drawn():
    """Every error class stands in the module's drawing below its parent, and nothing else does."""
    drawn, parents = {}, []
    for line in _errors.__doc__.splitlines():
        name = next((word for word in line.split() if word.endswith("Error")), None)
        if name:
            depth = line.index(name) // 4
            parents[depth:] = [name]
            drawn[name] = parents[-2] if len(parents) > 1 else "Exception"
    real = {
        name: kind.__base__.__name__
        for name, kind in vars(_errors).items()
        if isinstance(kind, type) and issubclass(kind, ActiveCampaignError)
    }
    assert drawn == real


def test_every_exception_of_the_http_library_is_mapped(on, go):
    """A new exception of httpx fails here until somebody says whether the request may have been sent."""
    kinds = {kind for kind in vars(httpx).values() if isinstance(kind, type) and issubclass(kind, Exception)}
    assert kinds == set(MEANING)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("kind", [*MEANING, RuntimeError, OSError, StopIteration])
def test_every_exception_becomes_one_of_ours(on, go, kind, method):
    """Whatever a transport raises arrives as our error, saying whether anything was sent, and holding no cause."""
    arguments = {"request": None, "response": None} if kind is httpx.HTTPStatusError else {}
    plain = kind.__new__(kind)
    plain.args = ("words",)
    vars(plain).update(arguments)

    def handler(_):
        raise plain

    with pytest.raises(ActiveCampaignError) as caught:
        go(on(handler, retries=0), method)
    sent = MEANING.get(kind, (True, False))[0]
    assert type(caught.value) is (OutcomeUnknownError if sent else ConnectError)
    assert caught.value.outcome == ("unknown" if sent else "not_sent")
    assert caught.value.__cause__ is caught.value.__context__ is None


def test_a_number_that_no_float_can_hold_stays_as_it_was_written(on, go):
    """It is JSON, so the write that it answers is put on record like every other."""
    account = on(lambda _: httpx.Response(200, content=b'{"contact": {"score": 1e400, "share": 0.5}}'))
    assert go(account, "POST", "/contacts", ()).data == {"contact": {"score": "1e400", "share": 0.5}}

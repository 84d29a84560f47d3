"""A question fits every interface that may show it; an answer is read only if it is one of the known shapes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any, TypedDict

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from langchain.agents.middleware.human_in_the_loop import Decision as HITLDecision
from langchain.agents.middleware.human_in_the_loop import HITLRequest, HITLResponse, ToolApprovalRequest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, StateGraph
from langgraph.types import Command, interrupt
from markdown_it import MarkdownIt
from markdown_it.token import Token
from pydantic import TypeAdapter

from ac_guardrails import Action, ApprovalRequest, Card, Decision, Level, Need
from ac_guardrails._canonical import canonical
from ac_guardrails.approvers._graph_messages import Unusable, parse, payload
from ac_tools import ActiveCampaign, ActiveCampaignToolkit

YES = Decision.approve(by="anna")
ARGS = {"book": 7, "title": "Emma", "tags": ["a", "b"]}


def ask(number: int = 1, tool: str = "burn_book", card: Card | None = None, **arguments: Any) -> ApprovalRequest:
    action = Action("m", tool, "h", (Need("books", Level.FULL),), arguments or ARGS, "burn book 7")
    card = card or Card("Burn book 7?", (("Agent", "m"),), "No way back.")
    return ApprovalRequest(f"ap{number}", "m", action, card, expires_at=1_790_000_000.0 + number)


ONE = (ask(),)
TWO = (ask(1), ask(2, "mail_members", note="hi"))


def read(answer: Any, questions: tuple[ApprovalRequest, ...] = ONE) -> tuple[Decision, ...] | Unusable:
    return parse(answer, questions, by="anna")


# The question, as each interface reads it. These are their own rules, in Python.


def chat_ui_shows_a_card(value: dict[str, Any]) -> bool:
    """Agent Chat UI: a review card only for a value of this form, and raw JSON for every other."""
    requests, configs = value.get("action_requests"), value.get("review_configs")
    return (
        isinstance(requests, list)
        and bool(requests)
        and isinstance(configs, list)
        and bool(configs)
        and all(isinstance(one.get("name"), str) and isinstance(one.get("args"), dict) for one in requests)
        and all(isinstance(c.get("action_name"), str) and isinstance(c.get("allowed_decisions"), list) for c in configs)
    )


def inbox_normalised(value: dict[str, Any], *keys: str) -> dict[str, Any]:
    """Agent Inbox: the first request under the keys that this release reads, and the buttons that it offers."""
    request, allowed = value["action_requests"][0], value["review_configs"][0]["allowed_decisions"]
    return {
        "action": request["name"],
        "args": next((request[key] for key in keys if key in request), {}),
        "description": request["description"],
        "buttons": [button for button, word in INBOX_BUTTONS.items() if word in allowed],
    }


INBOX_BUTTONS = {"accept": "approve", "edit": "edit", "response": "reject"}


@pytest.mark.parametrize("questions", [ONE, TWO], ids=["one", "two"])
def test_agent_chat_ui_shows_a_card(questions: tuple[ApprovalRequest, ...]) -> None:
    """Agent Chat UI recognises the question and offers approve, edit and reject for each call."""
    shown = payload(questions)
    assert chat_ui_shows_a_card(shown)
    names = [one["name"] for one in shown["action_requests"]]
    assert names == [one["action_name"] for one in shown["review_configs"]] == [one.action.tool for one in questions]
    assert [set(one["allowed_decisions"]) for one in shown["review_configs"]] == [{"approve", "edit", "reject"}] * len(
        names
    )


@pytest.mark.parametrize("keys", [("arguments",), ("args", "arguments")], ids=["released", "later"])
def test_agent_inbox_shows_the_arguments_and_all_buttons(keys: tuple[str, ...]) -> None:
    """Agent Inbox shows name, arguments and card, whichever key it reads, and lets people accept, edit and say no."""
    assert inbox_normalised(payload(ONE), *keys) == {
        "action": "burn_book",
        "args": ARGS,
        "description": payload(ONE)["description"],
        "buttons": ["accept", "edit", "response"],
    }


def test_the_older_human_interrupt_is_in_it_too() -> None:
    """An interface from before LangChain's middleware finds its own keys, with every way to say no."""
    shown = payload(ONE)
    assert shown["action_request"] == {"action": "burn_book", "args": ARGS}
    assert shown["config"] == dict.fromkeys(("allow_accept", "allow_edit", "allow_respond", "allow_ignore"), True)
    assert "Burn book 7?" in shown["description"]


def test_langchains_own_types_accept_it() -> None:
    """One question is a valid request of both modes of LangChain's middleware, several are one of its batches."""
    TypeAdapter(HITLRequest).validate_python(payload(TWO), strict=True)
    TypeAdapter(HITLRequest).validate_python(payload(ONE), strict=True)
    alone = TypeAdapter(ToolApprovalRequest).validate_python(payload(ONE, calls=["call_1"]), strict=True)
    assert (alone["tool_call_id"], alone["name"], alone["args"]) == ("call_1", "burn_book", ARGS)


def test_several_questions_do_not_pass_for_one() -> None:
    """An interface that knows only single calls is not shown the first of several as if it were all."""
    assert not {"type", "tool_call_id", "args", "action_request", "config", "description"} & set(payload(TWO))
    assert payload(TWO)["approval_ids"] == ["ap1", "ap2"]


def test_it_says_when_the_first_question_lapses() -> None:
    """The time is that of the question that lapses first, in UTC."""
    assert payload(TWO[::-1])["expires_at"] == "2026-09-21T14:13:21+00:00"


@pytest.mark.parametrize(("questions", "calls"), [((), ()), (ONE, ("a", "b")), (TWO, ("a",))])
def test_what_cannot_be_asked_raises(questions: tuple[ApprovalRequest, ...], calls: tuple[str, ...]) -> None:
    """No question, and call ids that belong to other questions, are mistakes of the program."""
    with pytest.raises(ValueError, match=r"nothing to ask|call ids"):
        payload(questions, calls=calls)


def test_it_is_small_json() -> None:
    """A question costs at most 1.5 KB beyond its card, and survives JSON, also with half a surrogate pair."""
    shown = payload(ONE, calls=["call_1"])
    assert json.loads(json.dumps(shown)) == shown
    assert len(json.dumps(shown)) - len(str(ONE[0].card)) <= 1500
    odd = payload((ask(title="a\ud800b", pages=(1, 2), price=1.0),))
    assert json.dumps(odd, ensure_ascii=False).encode()
    assert odd["args"] == {"title": "a\ufffdb", "pages": [1, 2], "price": 1}


def test_a_note_is_seen_first_wherever_it_is_shown() -> None:
    """Each interface shows the note above the card of each call; it is inert like all else."""
    shown = payload(TWO, note="Not <b>understood</b>\x1b[2J")
    assert shown["note"] == "Not <b>understood</b>\ufffd[2J"
    assert all(one["description"].startswith("`Not <b>understood") for one in shown["action_requests"])
    assert payload(ONE, note="Again.")["description"].startswith("`Again.`\n\n")
    assert "note" not in payload(ONE)


# The card as Markdown.

HOSTILE = {
    "link": "[Click](https://evil.example) ![x](https://evil.example/p.png) <https://evil.example>",
    "bare addresses": "https://evil.example www.evil.example mailto:a@evil.example a@evil.example",
    "HTML": "<script>alert(1)</script><img src=x onerror=alert(1)> <details> &lt;b&gt; <!-- -->",
    "blocks": "# Approved\n\n## Safe\n---\n> quote\n1. one\n- [x] done\n| a | b |\n|---|---|",
    "emphasis": "**bold** __b__ *i* ~~s~~ $x^2$ $$y$$ \\",
    "backticks": "`code` ``two`` ```\nfence\n``` `",
    "one backtick": "`",
    "bidi and ANSI": "\u202egnp.exe \u2066x\u2069 \x1b[31mred\x1b[0m \x9b2J \u200b",
}


def words_outside_code(tokens: list[Token]) -> Iterator[str]:
    """Every text that a renderer could give a meaning: a link, a formula, an emoji. Code has none."""
    for token in tokens:
        if token.children is not None:
            yield from words_outside_code(token.children)
        elif token.type not in ("code_inline", "softbreak"):
            yield token.content


STRUCTURE = {
    *("inline", "text", "code_inline", "paragraph_open", "paragraph_close", "strong_open", "strong_close"),
    *("bullet_list_open", "bullet_list_close", "list_item_open", "list_item_close"),
}


def check_inert(description: str, labels: set[str]) -> str:
    """The card has its own structure only, and no word outside code but its labels; returns the HTML."""
    markdown = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    tokens = markdown.parse(description)
    kinds = {child.type for token in tokens for child in (token, *(token.children or ()))}
    assert kinds <= STRUCTURE
    assert {text.strip(" :") for text in words_outside_code(tokens)} - {""} <= labels
    return str(markdown.render(description))


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_what_strangers_wrote_is_code_and_nothing_else(text: str) -> None:
    """No link, image, heading, formula or HTML comes out of a title, a row, a label or a warning."""
    card = Card(f"Burn {text}?", (("    Agent", "m"), ("Named", text), (text, "label")), text)
    html = check_inert(payload((ask(card=card),))["description"], {"Agent", "Named"})
    assert html.count("<li>") == 3
    assert not any(tag in html for tag in ("<a", "<img", "<script", "<h1", "<h2", "<hr", "<pre", "<table", "<del"))
    assert not {"\x1b", "\x9b", "\u202e", "\u2066", "\u200b"} & set(html)


@settings(max_examples=150, deadline=None)
@given(
    st.text(st.sampled_from("`*_[]()<>!#-+|$~\\:/.@&\n =aZ1\u202e\x1b"), max_size=40),
    st.sampled_from(["0", "Opted out", "Why ask", "Note:"]),
)
def test_no_text_breaks_out_of_its_code(name: str, label: str) -> None:
    """Whatever stands in a card, the reader sees its own structure and its labels only, and every value whole."""
    card = Card(f"Burn {name}?", (("Agent", name), (label, "x")), name)
    check_inert(payload((ask(card=card),), note=name)["description"], {"Agent", label.strip(" :")})


def test_an_empty_card_breaks_nothing() -> None:
    """Texts that are missing leave nothing behind that could be taken for Markdown."""
    assert payload((ask(card=Card("", (("Note", ""),))),))["description"] == "- Note:"


def test_a_hostile_name_in_the_account_comes_out_inert(account: ActiveCampaign, guard_for: Any, run: Any) -> None:
    """A contact whose name is a link, a script and a heading can be asked about, and is shown as what it is."""
    asked: list[ApprovalRequest] = []

    def keep(request: ApprovalRequest) -> Decision:
        asked.append(request)
        return Decision.reject(by="anna")

    toolkit = ActiveCampaignToolkit(account=account, guard=guard_for({"contacts": "full"}, keep), agent="marketing")
    name = "[Ok](http://evil.example) <script>x</script> `b`"
    run(toolkit, "ac_create_contact", email="eve@example.com", first_name=name, last_name="# Eve")
    run(toolkit, "ac_delete_contact", contact="eve@example.com")
    ties = {"Lists", "Tags", "Deals", "Now in"}
    html = check_inert(payload(asked)["description"], {"Agent", "Account", "Contact", "Arguments", "Why ask", *ties})
    assert "[Ok](http://evil.example) &lt;script&gt;x&lt;/script&gt; `b` # Eve" in html
    assert len(json.dumps(payload(asked))) - len(str(asked[0].card)) <= 1500


# The answers that people's interfaces give.

ACTION = {"action": "burn_book", "args": ARGS}
EDITED = {"book": 8, "title": "Emma", "tags": ["a", "b"]}
EDIT = Decision.edit(EDITED, by="anna")
NO = Decision.reject("not now", by="anna")
ANSWERS: dict[str, tuple[Any, Decision]] = {
    "Chat UI approve": ({"decisions": [{"type": "approve"}]}, YES),
    "Chat UI reject": ({"decisions": [{"type": "reject", "message": "not now"}]}, NO),
    "Chat UI edit, as texts": (
        {"decisions": [{"type": "edit", "edited_action": {"name": "burn_book", "args": {**EDITED, "book": "8"}}}]},
        EDIT,
    ),
    "per call approve": ({"type": "approve"}, YES),
    "per call reject": ({"type": "reject"}, Decision.reject(by="anna")),
    "per call edit": ({"type": "edit", "edited_action": {"name": "burn_book", "args": EDITED}}, EDIT),
    "respond": ({"type": "respond", "message": "not now"}, NO),
    "camel case": ({"decisions": [{"type": "edit", "editedAction": {"name": "burn_book", "args": EDITED}}]}, EDIT),
    "Inbox accept": ([{"type": "accept", "args": ACTION}], YES),
    "Inbox accept, reset to texts": ([{"type": "accept", "args": {**ACTION, "args": {**ARGS, "book": "7"}}}], YES),
    "Inbox accept alone": ([{"type": "accept", "args": None}], YES),
    "Inbox ignore": ([{"type": "ignore", "args": None}], Decision.reject(by="anna")),
    "Inbox response": ([{"type": "response", "args": " not now "}], NO),
    "Inbox edit, as texts": (
        [{"type": "edit", "args": {**ACTION, "args": {**EDITED, "book": "8", "tags": '["a", "b"]'}}}],
        EDIT,
    ),
    "Inbox edit of nothing": ([{"type": "edit", "args": ACTION}], YES),
    "later Inbox accept": ({"decisions": [{"type": "approve", "args": ACTION}]}, YES),
    "later Inbox response": ({"decisions": [{"type": "reject", "args": "not now"}]}, NO),
    "later Inbox edit": ({"decisions": [{"type": "edit", "args": {**ACTION, "args": EDITED}}]}, EDIT),
    "by approval id": ({"ap1": {"type": "approve"}}, YES),
    "approval id repeated": ({"type": "approve", "approval_ids": ["ap1"]}, YES),
    "approval id repeated in camel case": ({"decisions": [{"type": "approve"}], "approvalIds": ["ap1"]}, YES),
    "calls repeated": (
        {"decisions": [{"type": "approve"}], "actionRequests": [{"name": "burn_book", "args": ARGS}]},
        YES,
    ),
}


@pytest.mark.parametrize(("answer", "decision"), ANSWERS.values(), ids=ANSWERS.keys())
def test_every_known_shape_is_read(answer: Any, decision: Decision) -> None:
    """What the interfaces send is what the person decided."""
    assert read(answer) == (decision,)


def test_langchains_own_answers_are_read() -> None:
    """Every kind of decision that LangChain defines is understood, in a batch and alone."""
    for name in ("Chat UI approve", "Chat UI reject", "Chat UI edit, as texts"):
        TypeAdapter(HITLResponse).validate_python(ANSWERS[name][0], strict=True)
    for name in ("per call approve", "per call reject", "per call edit", "respond"):
        TypeAdapter(HITLDecision).validate_python(ANSWERS[name][0], strict=True)


TEXTS = {
    "8": 8,
    "[1]": [1],
    "null": None,
    "true": True,
    **{text: text for text in ("05", "NaN", "1e999", "", "9" * 5000, "[" * 20_000, "[" * 90 + "]" * 90)},
}


@pytest.mark.parametrize(("text", "value"), TEXTS.items(), ids=[text[:8] or "empty" for text in TEXTS])
def test_texts_become_values_again_only_where_they_were_none(text: str, value: Any) -> None:
    """A number edited as text is a number again if it is one; a text stays a text, whatever it looks like."""
    edited = {
        "type": "edit",
        "edited_action": {"name": "burn_book", "args": {"book": text, "title": text, "new": text}},
    }
    assert read(edited) == (Decision.edit({"book": value, "title": text, "new": text}, by="anna"),)


MIXED = (YES, Decision.reject("no", by="anna"))


@pytest.mark.parametrize(
    "answer",
    [
        {"decisions": [{"type": "approve"}, {"type": "reject", "message": "no"}]},
        [{"type": "accept", "args": None}, {"type": "response", "args": "no"}],
        {"ap2": {"type": "reject", "message": "no"}, "ap1": {"type": "approve"}},
        {"approval_ids": ["ap1", "ap2"], "decisions": [{"type": "approve"}, {"type": "reject", "message": "no"}]},
    ],
    ids=["batch", "list", "by approval id, in any order", "ids repeated"],
)
def test_several_questions_get_an_answer_each(answer: Any) -> None:
    """By position, or by approval id, each call gets the decision that was meant for it."""
    assert read(answer, TWO) == MIXED


def test_who_decided_is_not_for_the_answer_to_say() -> None:
    """The name is the one that the program knows; an answer that brings one is not understood."""
    assert read({"type": "approve"}) == (YES,)
    assert isinstance(read({"type": "approve", "by": "the boss"}), Unusable)


# What is none.

OK = {"type": "approve"}
REASONS = {
    "one of two": ({"decisions": [OK]}, TWO, "it decided 1 of 2; expected is 2 decisions"),
    "one alone for two": (OK, TWO, "it decided 1 of 2"),
    "one id of two": ({"ap1": OK}, TWO, "it decided 1 of 2"),
    "three of two": ([OK] * 3, TWO, "it decided 3 of 2"),
    "two of one": ({"decisions": [OK, OK]}, ONE, "it decided 2 of 1; expected is one decision"),
    "none": ([], ONE, "it decided 0 of 1"),
    "no list": ({"decisions": OK}, ONE, "its decisions are no list"),
    "nothing asked": ([], (), "it decided 0 of 0"),
    "half good": ({"decisions": [OK, "approve"]}, TWO, "one of its decisions is a bare text"),
    "text": ("approve", ONE, "it is a bare text"),
    "truth": (True, ONE, "it is a bare truth value"),
    "number": (1, ONE, "it is a bare number"),
    "None": (None, ONE, "it is nothing"),
    "empty": ({}, ONE, "it has neither decisions nor a type"),
    "unknown type": ({"type": "approved"}, ONE, "the unknown type «approved»"),
    "no type": ({"decisions": [{"approve": True}]}, ONE, "a decision has no type"),
    "type of types": ({"type": ["approve"]}, ONE, "a decision has no type"),
    "unknown key": ({"type": "approve", "if": "nobody minds"}, ONE, "the unknown key «if»"),
    "approve, but": ({"type": "approve", "message": "only if it is Tuesday"}, ONE, "to approve carries something"),
    "approve and edit": ({"type": "approve", "edited_action": ACTION}, ONE, "to approve carries something"),
    "approve other arguments": ([{"type": "accept", "args": {**ACTION, "args": EDITED}}], ONE, "other arguments than"),
    "other ids": ({"type": "approve", "approval_ids": ["ap9"]}, ONE, "it answers other questions than these"),
    "other order": ({"decisions": [OK, OK], "approval_ids": ["ap2", "ap1"]}, TWO, "it answers other questions"),
    "other calls": ({"decisions": [OK], "action_requests": [{"name": "x", "args": {}}]}, ONE, "it repeats other calls"),
    "no calls": ({"decisions": [OK], "actionRequests": "burn_book"}, ONE, "it repeats other calls"),
    "other approval id": ({"ap9": OK}, ONE, "its keys are not the approval ids"),
    "no calls at all": ({"decisions": [OK], "action_requests": None}, ONE, "it repeats other calls"),
    "beside an approval id": ({"ap1": OK, "else": OK}, ONE, "its keys are not the approval ids"),
    "beside decisions": ({"decisions": [OK], "type": "reject"}, ONE, "something stands beside them"),
    "same id twice": ({"ap1": OK}, (ask(1), ask(1)), "its keys are not the approval ids"),
    "another tool": ({"type": "edit", "args": {"action": "mail_members", "args": ARGS}}, ONE, "but not the tool"),
    "other tool, same position": (
        {"decisions": [OK, {"type": "edit", "edited_action": {"name": "burn_book", "args": {}}}]},
        TWO,
        "arguments of mail_members, but not the tool",
    ),
    "edit of nothing": ({"type": "edit"}, ONE, "not a name and args"),
    "edit without a tool": ({"type": "edit", "args": {"book": 8}}, ONE, "not a name and args"),
    "edit twice": ({"type": "edit", "args": ACTION, "edited_action": ACTION}, ONE, "does not belong to it"),
    "edit with two args": (
        {"type": "edit", "args": {**ACTION, "arguments": EDITED}},
        ONE,
        "not a name and args",
    ),
    "edit with two names": ({"type": "edit", "args": {**ACTION, "name": "mail_members"}}, ONE, "not a name and args"),
    "edit of a text": ({"type": "edit", "args": "burn_book"}, ONE, "not a name and args"),
    "edit without object": ({"type": "edit", "args": {"action": "burn_book", "args": "7"}}, ONE, "are no object"),
    "reject with an edit": ({"type": "reject", "edited_action": ACTION}, ONE, "something else than one message"),
    "reject with two reasons": ({"type": "reject", "message": "a", "args": "b"}, ONE, "something else than one"),
    "reject with a number": ({"type": "reject", "message": 7}, ONE, "something else than one message"),
    "huge": ({"type": "reject", "message": "x" * 100_000}, ONE, "it is too long"),
    "huge when written": ({"type": "reject", "message": "\x00" * 20_000}, ONE, "it is too long"),
    "deep": (json.loads("[" * 900 + "]" * 900), ONE, "too deeply nested"),
    "NaN": ({"type": "edit", "args": {**ACTION, "args": {"book": float("nan")}}}, ONE, "a number that is no JSON"),
    "huge number": ({"type": "edit", "args": {**ACTION, "args": {"book": 10**5000}}}, ONE, "a number that is no JSON"),
    "bytes": ({"type": b"approve"}, ONE, "something that is no JSON"),
    "tuple": (({"type": "approve"},), ONE, "something that is no JSON"),
    "Decision": (YES, ONE, "something that is no JSON"),
    "number keys": ({"type": "approve", 1: 2}, ONE, "keys that are no text"),
}


@pytest.mark.parametrize(("answer", "questions", "reason"), REASONS.values(), ids=REASONS.keys())
def test_what_is_no_answer_decides_nothing_and_says_why(answer: Any, questions: Any, reason: str) -> None:
    """The person learns what was wrong and what is expected; the note holds it whole."""
    unusable = read(answer, questions)
    assert isinstance(unusable, Unusable)
    assert reason in unusable.reason
    assert '{"decisions": [{"type": "approve"}]}' in unusable.reason
    assert "…" not in payload(ONE, note=f"Your last answer could not be used: {unusable.reason}.")["note"]


def test_an_answer_that_contains_itself_decides_nothing() -> None:
    """Neither a loop nor one list shared a billion times keeps the reader busy."""
    loop: list[Any] = []
    loop.append(loop)
    laughs: list[Any] = [OK]
    for _ in range(30):
        laughs = [laughs] * 10
    assert isinstance(read(loop), Unusable)
    assert isinstance(read(laughs), Unusable)


def test_a_text_that_calls_itself_otherwise_decides_nothing() -> None:
    """A value that only claims to equal the right word, or the right object, is none."""

    class Anything(str):
        def __eq__(self, other: object) -> bool:
            return True

        __hash__ = str.__hash__

    class Object(dict[str, Any]):
        pass

    assert isinstance(read({"type": Anything("approve")}), Unusable)
    assert isinstance(read(Object(OK)), Unusable)


def test_long_arguments_can_be_accepted_by_those_who_send_them_back() -> None:
    """Agent Inbox repeats the arguments when a person accepts; an import of thousands must not be too long for it."""
    questions = (ask(people=[{"email": f"{number}@example.com"} for number in range(5000)]),)
    arguments = payload(questions)["args"]
    texts = {key: json.dumps(value) for key, value in arguments.items()}
    assert len(json.dumps(arguments)) > 100_000
    for sent in (arguments, texts):
        assert read([{"type": "accept", "args": {"action": "burn_book", "args": sent}}], questions) == (YES,)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.binary(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=8) | st.integers(), inner, max_size=4)
        | st.tuples(inner, inner)
    ),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None)
@given(JSON, st.sampled_from([ONE, TWO]))
def test_nothing_that_people_or_programs_send_raises_or_approves(answer: Any, questions: Any) -> None:
    """Whatever comes back, the reader answers, and without one of the shapes it answers no yes."""
    assert isinstance(read(answer, questions), Unusable)


ECHOES = [
    {name: "burn_book", "args": {**ARGS, **texts}}
    for name, texts in product(("name", "action"), ({}, {"book": "7"}, {"tags": '["a","b"]'}))
]
ABSENT = object()


def approvals() -> Iterator[Any]:
    """Every answer that approves the one question, written out: the only ones that may."""
    nulls = dict.fromkeys(("message", "args", "edited_action", "editedAction"), (ABSENT, None))
    decisions = []
    for type_ in ("approve", "accept"):
        decisions += all_of({**nulls, "type": (type_,), "args": (ABSENT, None, *ECHOES)})
    for key in ("args", "edited_action", "editedAction"):
        decisions += all_of({**nulls, "type": ("edit",), key: ECHOES})
    for one in decisions:
        yield [one]
        for wrapped in (one, {"decisions": [one]}, {"ap1": one}):
            for ids in all_of(dict.fromkeys(("approval_ids", "approvalIds"), (ABSENT, ["ap1"]))):
                yield {**wrapped, **ids}


def all_of(choices: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for values in product(*choices.values()):
        yield {key: value for key, value in zip(choices, values, strict=True) if value is not ABSENT}


APPROVALS = frozenset(canonical(answer) for answer in approvals())
NEARLY = st.sampled_from(
    [None, "approve", "", True, {}, [], OK, *ECHOES[:3], ACTION, {**ACTION, "args": EDITED}, {"action": "mail_members"}]
)
DECISIONS = st.fixed_dictionaries(
    {"type": st.sampled_from(["approve", "accept", "edit", "reject", "Approve", "approved", "yes", "ok", True, None])},
    optional=dict.fromkeys(("args", "message", "edited_action", "editedAction", "approve"), NEARLY),
)
SPELLINGS = st.fixed_dictionaries(
    {},
    optional={
        "approval_ids": st.sampled_from([["ap1"], ["ap2"], [], "ap1", None]),
        "approvalIds": st.sampled_from([["ap1"], ["ap1", "ap1"]]),
    },
)


@st.composite
def near_answers(draw: Callable[[Any], Any]) -> Any:
    """An answer that is one of the shapes, or is wrong in a small thing or two."""
    one = draw(DECISIONS)
    right = [one, [one], {"decisions": [one]}, {"ap1": one}]
    wrong = [{"ap2": one}, {"decisions": one}, {"decision": [one]}, {"decisions": [one], "type": "approve"}]
    twice = [[one, one], [[one]], {"decisions": [one, one]}, json.dumps(one)]
    wrapped = draw(st.sampled_from([*right, *wrong, *twice]))
    return {**wrapped, **draw(SPELLINGS)} if isinstance(wrapped, dict) else wrapped


@settings(max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(near_answers())
def test_only_the_written_shapes_approve(answer: Any) -> None:
    """An answer approves if, and only if, it is one of those written out above; a near miss never does."""
    result = read(answer)
    approved = not isinstance(result, Unusable) and any(one.kind == "approve" for one in result)
    assert approved == (canonical(answer) in APPROVALS)


def test_every_written_shape_approves() -> None:
    """The list of approving answers holds nothing that is not understood."""
    assert len(APPROVALS) > 500
    assert all(read(json.loads(answer)) == (YES,) for answer in APPROVALS)


# With LangGraph itself.


class State(TypedDict):
    decided: list[Any]


@pytest.mark.parametrize("name", ["Chat UI edit, as texts", "Inbox accept", "by approval id", "later Inbox response"])
def test_question_and_answer_survive_a_checkpoint(name: str) -> None:
    """Through a real interrupt the question arrives whole, and the answer is read as if it had come directly."""

    def node(state: State) -> dict[str, Any]:
        told = ""
        while True:
            result = read(interrupt(payload(ONE, note=told, calls=["call_1"])))
            if not isinstance(result, Unusable):
                return {"decided": [(one.kind, one.reason, one.arguments) for one in result]}
            told = f"Not understood: {result.reason}."

    answer, decision = ANSWERS[name]
    graph = StateGraph(State).add_node("node", node).add_edge(START, "node").compile(checkpointer=InMemorySaver())
    config: Any = {"configurable": {"thread_id": "1"}}
    first = graph.invoke({"decided": []}, config)["__interrupt__"]
    assert [one.value for one in first] == [payload(ONE, calls=["call_1"])]
    again = graph.invoke(Command(resume="approve"), config)["__interrupt__"]
    assert again[0].value["note"].startswith("Not understood: it is a bare text")
    decided = graph.invoke(Command(resume=answer), config)["decided"]
    assert decided == [(decision.kind, decision.reason, decision.arguments)]

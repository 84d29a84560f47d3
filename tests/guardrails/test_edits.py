"""A person may change a call: it is validated, decided and, where it matters, asked about again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ac_guardrails import ApprovalRequest, Decision, Guard, Level, Need, Reference

YES = Decision.approve(by="anna")
FULL = {"books": "full"}
ASKING = {"books": {"access": "full", "ask": "writes"}}


def only_entry(guard: Guard) -> Any:
    (entry,) = guard.ledger.entries()
    assert guard.ledger.verify() == ""
    return entry


def raises(error: BaseException) -> Callable[[ApprovalRequest], Any]:
    def approver(request: ApprovalRequest) -> Any:
        raise error

    return approver


class Edits:
    """Answers one edit after another, then approves; keeps the requests."""

    def __init__(self, *edits: dict[str, Any]) -> None:
        self._edits = list(edits)
        self.requests: list[ApprovalRequest] = []

    def __call__(self, request: ApprovalRequest) -> Decision:
        self.requests.append(request)
        return Decision.edit(self._edits.pop(0), by="anna") if self._edits else Decision.approve(by="bert")


def test_an_edit_runs_the_edited_call_and_tells_the_model(guard: Any, job: Any, sender: Any, carry: Any) -> None:
    """An edit of a title alone is not asked about again; the model learns what ran."""
    approver = Edits({"book": 1, "title": "Emma"})
    opened = guard(ASKING, approver=approver)
    answer = carry(opened, job("rename_book", args={"book": 1, "title": "Ema"}))
    expected = 'anna changed the arguments to {"book":1,"title":"Emma"}. rename_book: 1 request(s) answered.'
    assert answer.content == expected
    assert [request.body for request in sender.writes] == [{"book": 1, "title": "Emma"}]
    assert len(approver.requests) == 1
    assert only_entry(opened).verdict() == "edited by anna, done"


def test_the_ledger_keeps_the_edited_arguments_only(guard: Any, job: Any, sender: Any) -> None:
    """An argument that the person took out is not kept as if it had been sent."""
    opened = guard(ASKING, approver=Edits({"book": 1}))
    opened.run(job("rename_book", args={"book": 1, "title": "Ema"}), sender)
    assert only_entry(opened).payload["arguments"] == {"book": 1}


def test_an_edit_to_another_target_is_asked_about_again(guard: Any, job: Any, sender: Any, carry: Any) -> None:
    """Whoever edits the target is shown the new one before it runs."""
    approver = Edits({"book": 2})
    opened = guard(FULL, approver=approver)
    answer = carry(opened, job("burn_book", args={"book": 1}))
    assert [str(request).split("\n")[0] for request in approver.requests] == ["burn the book 1?", "burn the book 2?"]
    assert [request.path for request in sender.writes] == ["/books/2"]
    assert answer.content.startswith('anna changed the arguments to {"book":2}. ')
    assert only_entry(opened).by == "bert"


def test_an_edit_that_makes_it_graver_is_asked_about_again(guard: Any, job: Any, sender: Any, carry: Any) -> None:
    """The same target with another effect is another question: consent to a rename is none to a burning."""

    class Worse(job):  # type: ignore[misc]
        def outline(self) -> Any:
            if self.args.get("title") == "burn":
                self.needs = (Need("books", Level.FULL),)
            return super().outline()

    approver = Edits({"title": "burn"})
    assert carry(guard(ASKING, approver=approver), Worse("rename_book")).ok
    assert len(approver.requests) == 2


def test_an_edit_that_touches_more_people_is_asked_about_again(guard: Any, job: Any, sender: Any, carry: Any) -> None:
    """The number of people is part of what was agreed to."""

    class More(job):  # type: ignore[misc]
        def outline(self) -> Any:
            self.people = len(self.args.get("note", ""))
            return super().outline()

    approver = Edits({"note": "22"})
    carry(guard(FULL, approver=approver), More("burn_book", args={"note": "1"}))
    assert len(approver.requests) == 2


def test_an_edit_that_the_grants_forbid_is_refused(guard: Any, job: Any, sender: Any, carry: Any) -> None:
    """The edited call is decided like any other; a person's edit widens no grant."""

    class OnShelf(job):  # type: ignore[misc]
        def outline(self) -> Any:
            shelf = 2 if self.args.get("title") == "elsewhere" else 1
            self.references = (Reference("shelf", shelf),)
            return super().outline()

    areas = {"books": {"access": "full", "ask": "writes", "only": {"shelf": [1]}}}
    opened = guard(areas, approver=Edits({"title": "elsewhere"}))
    answer = carry(opened, OnShelf("rename_book"))
    assert answer.content == (
        'anna changed the arguments to {"title":"elsewhere"}. What follows is about that, not about your own call. '
        "marketing may use only the shelf 1, not shelf 2. Nothing was sent."
    )
    assert sender.requests == []
    assert only_entry(opened).decision == "refused"


def test_an_edit_is_validated(guard: Any, job: Any, sender: Any, carry: Any) -> None:
    """Arguments that the tool does not take are refused, whoever wrote them."""
    answer = carry(guard(FULL, approver=Edits({"everything": True})), job("burn_book"))
    assert answer.content.endswith("burn_book takes no argument 'everything'.")
    assert answer.artifact.kind == "invalid"
    assert sender.requests == []


def test_an_edit_that_changes_nothing_is_told_as_none(guard: Any, job: Any, sender: Any, carry: Any) -> None:
    """Some interfaces send every approval as an edit; the model is not told of a change that nobody made."""
    answer = carry(guard(FULL, approver=Edits({"book": 1})), job("burn_book", args={"book": 1}))
    assert answer.content == "burn_book: 1 request(s) answered."
    assert [request.path for request in sender.writes] == ["/books/1"]


def test_too_many_edits_end_in_a_refusal(guard: Any, job: Any, sender: Any, carry: Any) -> None:
    """A person who edits for ever, or a program that does, is stopped."""
    approver = Edits(*({"book": number} for number in range(2, 12)))
    answer = carry(guard(FULL, approver=approver), job("burn_book"))
    assert "It was edited too many times. Nothing was sent." in answer.content
    assert len(approver.requests) == 5
    assert sender.requests == []

"""Pages and walks."""

import itertools

import pytest

from ac_tools._errors import UnreadableResponseError
from ac_tools._exchange import Reply
from ac_tools._pages import Page, Walk


class Collection:
    """A collection of so many records, with a server's habits."""

    def __init__(self, count, *, cap=100, total=str, by_id=True, orders=True, paged=True, endless=False):
        self.rows = [{"id": str(number)} for number in range(1, count + 1)]
        self.cap, self.total, self.by_id, self.orders, self.paged, self.endless = (
            cap,
            total,
            by_id,
            orders,
            paged,
            endless,
        )
        self.requests = []

    def answer(self, request):
        self.requests.append(request)
        params = dict(request.params)
        assert request.method == "GET"
        assert int(params["limit"]) <= 100
        rows = self.rows if self.orders and "orders[id]" in params else self.rows[::-1]
        if self.by_id and "id_greater" in params:
            rows = [row for row in rows if int(row["id"]) > int(params["id_greater"])]
        offset = int(params.get("offset", 0)) if self.paged and not self.endless else 0
        data = {"contacts": rows[offset : offset + min(int(params["limit"]), self.cap)] if self.paged else rows}
        if self.total is not None:
            data["meta"] = {"total": self.total(len(self.rows)) if callable(self.total) else self.total}
        return Reply(200, data, None, 0)


def walked(walk, collection):
    """All the ids that a walk hands out, in order; it must end by itself."""
    ids = []
    for _ in range(1000):
        request = walk.next_request()
        if request is None:
            return ids
        ids += [int(row["id"]) for row in walk.feed(collection.answer(request))]
    pytest.fail("the walk does not end")
    return None


@pytest.mark.parametrize("path", ["/contacts", "/lists"])
@pytest.mark.parametrize("total", [str, int, None, 0, "0", "7", 10**6, "many", -1, True])
def test_a_walk_hands_out_everything_once(path, total):
    """Whatever the total says and however pages are capped, each record is handed out exactly once."""
    for count, cap in itertools.product((0, 1, 99, 100, 101, 283), (100, 30)):
        walk = Walk(path, "contacts")
        assert sorted(walked(walk, Collection(count, cap=cap, total=total))) == list(range(1, count + 1))
        assert walk.count == count


@pytest.mark.parametrize(("by_id", "orders"), [(False, True), (True, False), (False, False)])
def test_a_walk_by_id_goes_on_by_offset_where_the_account_does_not_know_ids(by_id, orders):
    """An account that ignores id_greater or the order, as it ignores unknown filters, is still walked to the end."""
    ids = walked(Walk("/contacts", "contacts"), Collection(283, by_id=by_id, orders=orders))
    assert sorted(ids) == list(range(1, 284))


def test_contacts_are_walked_by_id_unless_the_caller_orders_them():
    """Without orders contacts are asked for by id_greater; with orders, and elsewhere, by offset."""
    request = Walk("/contacts", "contacts", [("listid", "3"), ("limit", "5")]).next_request()
    assert dict(request.params) == {"listid": "3", "orders[id]": "ASC", "id_greater": "0", "limit": "100"}
    request = Walk("/contacts", "contacts", [("orders[email]", "ASC")], size=20).next_request()
    assert dict(request.params) == {"orders[email]": "ASC", "offset": "0", "limit": "20"}
    assert dict(Walk("/tags", "tags").next_request().params) == {"offset": "0", "limit": "100"}


def test_a_short_page_that_agrees_with_the_total_is_the_last():
    """No request is wasted on an empty page when a short page and the total agree."""
    collection = Collection(150)
    walked(Walk("/lists", "contacts"), collection)
    assert len(collection.requests) == 2


def test_an_endless_collection_ends():
    """A server that repeats its first page for ever is asked twice, and the walk says that there is more."""
    collection = Collection(283, endless=True)
    walk = Walk("/lists", "contacts")
    assert len(walked(walk, collection)) == 100
    assert (len(collection.requests), walk.truncated) == (2, True)


def test_a_collection_without_pages_is_handed_out_once():
    """A sub-collection that ignores limit and offset and has no meta is read whole and not called truncated."""
    walk = Walk("/contacts/7/contactTags", "contacts")
    assert len(walked(walk, Collection(120, paged=False, total=None))) == 120
    assert not walk.truncated


@pytest.mark.parametrize("path", ["/contacts", "/lists"])
@pytest.mark.parametrize(
    ("count", "most", "total", "truncated"),
    [(283, 150, str, True), (150, 150, str, False), (150, 150, None, True), (40, 150, None, False), (9, 0, str, False)],
)
def test_a_walk_stops_at_the_most_and_says_so(path, count, most, total, truncated):
    """No more than `most` records are handed out, and `truncated` says whether there may be others."""
    walk = Walk(path, "contacts", most=most)
    assert len(walked(walk, Collection(count, total=total))) == min(count, most)
    assert walk.truncated == truncated


def test_the_same_page_is_asked_for_until_it_was_fed():
    """A page that failed can be asked for again."""
    walk = Walk("/lists", "lists")
    assert walk.next_request() == walk.next_request()


def test_records_without_ids_are_told_apart_by_what_they_hold():
    """Rows that have no id end the walk when they repeat."""
    walk = Walk("/things", "things")
    page = Reply(200, {"things": [{"name": "a"}, {"name": "b"}]}, None, 0)
    assert len(walk.feed(page)) == 2
    assert walk.feed(page) == []
    assert walk.next_request() is None


@pytest.mark.parametrize("data", [[], {}, {"contacts": {}}, {"contacts": [1]}, None])
def test_an_answer_without_the_list_is_an_error(data):
    """An answer without the expected list is never taken for an empty collection."""
    with pytest.raises(UnreadableResponseError, match="no list of contacts"):
        Walk("/contacts", "contacts").feed(Reply(200, data, None, 0))


@pytest.mark.parametrize(
    ("count", "total", "offset", "hint"),
    [
        (20, "283", 0, "20 of 283 shown; for the next 20 call again with offset=20."),
        (20, 283, 260, "20 of 283 shown; for the next 3 call again with offset=280."),
        (3, "283", 280, "3 of 283 shown; that is all."),
        (20, "20", 0, "20 of 20 shown; that is all."),
        (20, None, 0, "20 shown; for the next 20 call again with offset=20."),
        (7, None, 0, "7 shown; that is all."),
        (20, "0", 0, "20 shown; for the next 20 call again with offset=20."),
        (5, "283", 0, "5 of 283 shown; for the next 20 call again with offset=5."),
        (0, "0", 0, "0 of 0 shown; that is all."),
        (0, "283", 900, "0 of 283 shown; that is all."),
    ],
)
def test_a_hint_tells_how_to_go_on(count, total, offset, hint):
    """The hint says how many of how many are shown and which offset comes next."""
    page = Page.of(range(count), {"meta": {"total": total}}, offset=offset, limit=20)
    assert page.hint() == hint

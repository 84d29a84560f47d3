"""The list of people: filters, orders, pages."""

import pytest


def ids(api, query):
    return [int(each["id"]) for each in api.get(f"/contacts?{query}")["contacts"]]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", [3, 2, 1]),
        ("orders[id]=ASC", [1, 2, 3]),
        ("orders%5Bemail%5D=DESC", [3, 2, 1]),
        ("orders[last_name]=ASC", [3, 1, 2]),
        ("orders[nonsense]=ASC", [3, 2, 1]),
        ("email=anna@LINDQVIST.example", [1]),
        ("filters[email]=ben@example.com", [2]),
        ("email=nobody@example.com", []),
        ("email_like=EXAMPLE.com", [3, 2]),
        ("search=o%27brien", [2]),
        ("search=Anna+Lind", [1]),
        ("search=Interiors", [1]),
        ("phone=%2B1+555", [1]),
        ("ids[]=1&ids[]=3", [3, 1]),
        ("ids=2,3", [3, 2]),
        ("exclude=2", [3, 1]),
        ("id_greater=1", [3, 2]),
        ("id_less=2", [1]),
        ("listid=1", [3, 2, 1]),
        ("listid=1&status=1", [1]),
        ("listid=1&status=2", [2]),
        ("listid=1&status=3", [3]),
        ("status=1", [2, 1]),
        ("status=-1", [3, 2, 1]),
        ("tagid=3", [1]),
        ("seriesid=1", [1]),
        ("segmentid=1", [1]),
        ("segmentid=2", [3, 2, 1]),
        ("segmentid=9", []),
        ("formid=1", []),
        ("filters[created_after]=2020-03-01", [3, 2]),
        ("filters[created_before]=2020-03-01", [1]),
        ("filters[updated_after]=2020-03-02T00:00:00-05:00", [3]),
        ("filters[created_after]=soon", [3, 2, 1]),
        ("tagid=3&email_like=example.com", []),
        ("limit=0", [3, 2, 1]),
        ("limit=-4&offset=-2", [3, 2, 1]),
        ("limit=x&offset=y", [3, 2, 1]),
        ("limit=1&offset=1", [2]),
        ("offset=99", []),
    ],
)
def test_filters(api, query, expected):
    """Each documented parameter picks and orders the people it should."""
    assert ids(api, query) == expected


def test_the_meta_is_as_recorded(api):
    """The total is text and counts all pages; page_input holds the parameters as numbers."""
    meta = api.get("/contacts?limit=1&listid=1&email_like=example")["meta"]
    assert list(meta) == ["total", "sortable", "page_input"]
    assert meta["total"] == "3"
    page = meta["page_input"]
    assert list(page) == (
        [
            "segmentid",
            "formid",
            "listid",
            "tagid",
            "limit",
            "offset",
            "search",
            "sort",
            "seriesid",
            "waitid",
            "status",
            "forceQuery",
            "cacheid",
        ]
    )
    assert (page["limit"], page["listid"], page["status"], page["search"]) == (1, 1, -1, None)


def test_a_page_has_twenty_and_at_most_a_hundred(make):
    """Twenty people come without a limit, and never more than a hundred."""
    people = [{"id": n, "email": f"p{n}@example.com"} for n in range(1, 131)]
    api = make(seed={"contacts": people})
    assert len(ids(api, "")) == 20
    assert len(ids(api, "limit=1000")) == 100


def test_keyset_paging_sees_everybody_once(make):
    """Walking by id_greater gives every person exactly once."""
    people = [{"id": n, "email": f"p{n}@example.com"} for n in range(1, 131)]
    api, seen, last = make(seed={"contacts": people}), [], 0
    while page := ids(api, f"orders[id]=ASC&limit=50&id_greater={last}"):
        seen += page
        last = page[-1]
    assert seen == list(range(1, 131))


def test_the_list_names_accounts_but_not_tags(api):
    """An item of the list carries accountContacts and scoreValues, and nothing else of what hangs on a person."""
    item = next(each for each in api.get("/contacts")["contacts"] if each["id"] == "1")
    assert item["accountContacts"] == ["1"]
    assert item["scoreValues"] == []
    assert not {"contactTags", "contactLists", "fieldValues"} & set(item)

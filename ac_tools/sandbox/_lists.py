"""Mailing lists."""

import re
from typing import Any

from ac_tools.sandbox import _rows as rows
from ac_tools.sandbox._query import Query, compares, matches, ordered
from ac_tools.sandbox._router import Call, route
from ac_tools.sandbox._shape import Shape, always, attr, ident, iso, links, local, sent
from ac_tools.sandbox._store import Store
from ac_tools.sandbox._values import to_flag, to_int, to_text
from ac_tools.sandbox._wire import DROPPED, Answer, Refusal, missing, problem, reply

_LINKS = links("lists", "contactGoalLists", "user", "addressLists")
_EMPTY, _ZERO, _ONE, _NULL = always(""), always("0"), always("1"), always(None)

LIST = Shape[rows.MailingList](
    {
        "stringid": attr("stringid"),
        "userid": _ZERO,
        "name": attr("name"),
        "cdate": iso("created"),
        "p_use_tracking": _ONE,
        "p_use_analytics_read": _ZERO,
        "p_use_analytics_link": _ZERO,
        "p_use_twitter": _ZERO,
        "p_use_facebook": _ZERO,
        "p_embed_image": _ONE,
        "p_use_captcha": _ONE,
        "send_last_broadcast": attr("send_last_broadcast"),
        "private": _ZERO,
        "analytics_domains": _NULL,
        "analytics_source": _EMPTY,
        "analytics_ua": _EMPTY,
        "twitter_token": _EMPTY,
        "twitter_token_secret": _EMPTY,
        "facebook_session": _NULL,
        "carboncopy": attr("carboncopy"),
        "subscription_notify": attr("subscription_notify"),
        "unsubscription_notify": attr("unsubscription_notify"),
        "require_name": _ZERO,
        "get_unsubscribe_reason": _ZERO,
        "to_name": always("Subscriber"),
        "optinoptout": _ONE,
        "sender_name": _EMPTY,
        "sender_addr1": _EMPTY,
        "sender_addr2": _EMPTY,
        "sender_city": _EMPTY,
        "sender_state": _EMPTY,
        "sender_zip": _EMPTY,
        "sender_country": _EMPTY,
        "sender_phone": _EMPTY,
        "sender_url": attr("sender_url"),
        "sender_reminder": attr("sender_reminder"),
        "fulladdress": _NULL,
        "optinmessageid": _ZERO,
        "optoutconf": _ZERO,
        "deletestamp": _NULL,
        "udate": iso("updated"),
        "created_timestamp": local("created"),
        "updated_timestamp": local("updated"),
        "created_by": _NULL,
        "updated_by": _NULL,
        "links": _LINKS,
        "id": ident(),
        "user": ident("user"),
    }
)

_CREATED = Shape[rows.MailingList](
    {
        "name": sent("name"),
        "stringid": sent("stringid", attr("stringid")),
        "sender_url": sent("sender_url"),
        "sender_reminder": sent("sender_reminder"),
        "send_last_broadcast": sent("send_last_broadcast"),
        "carboncopy": sent("carboncopy"),
        "subscription_notify": sent("subscription_notify"),
        "unsubscription_notify": sent("unsubscription_notify"),
        "channel": sent("channel"),
        "cdate": iso("created"),
        "udate": iso("updated"),
        "links": _LINKS,
        "id": ident(),
    }
)


_REQUIRED = ("name", "stringid", "sender_url", "sender_reminder")
_NOTIFIED = ("carboncopy", "subscription_notify", "unsubscription_notify")


def _slug(name: str, store: Store) -> str:
    base = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "list"
    taken = {row.stringid for row in store.lists}
    candidates = [base, *(f"{base}-{number}" for number in range(2, len(taken) + 2))]
    return next(each for each in candidates if each not in taken)


def _check_stringid(store: Store, stringid: str, current: rows.MailingList | None = None) -> None:
    status = store.settings.duplicate_stringid_status
    if status >= 400 and any(row.stringid == stringid and row is not current for row in store.lists):
        entry = problem("A list with this stringid already exists.", code="duplicate", pointer="stringid")
        raise Refusal(status, {"errors": [entry]})


def _row(store: Store, given: dict[str, Any]) -> rows.MailingList:
    now, name = store.now(), to_text(given["name"])
    stringid = to_text(given.get("stringid")) or _slug(name, store)
    url, reminder = to_text(given["sender_url"]), to_text(given["sender_reminder"])
    row = rows.MailingList(store.lists.next_id(), name, stringid, url, reminder, now, now)
    row.send_last_broadcast = "1" if to_flag(given.get("send_last_broadcast")) else "0"
    for key in _NOTIFIED:
        setattr(row, key, to_text(given.get(key)) or None)
    row.channel = "sms" if given.get("channel") == "sms" else "email"
    row.user = to_int(given.get("user")) or None
    return row


@route("POST", "/lists")
def create_list(call: Call) -> Answer:
    """Creates a list: 201 (recorded 2020 and 2021). What it answers to missing fields is assumed."""
    store, given = call.store, call.sent("list")
    made = store.settings.list_stringid == "made"
    needed = [name for name in _REQUIRED if name != "stringid" or not made]
    absent = [name for name in needed if not to_text(given.get(name)).strip()]
    if absent:
        raise missing("list", *absent)
    _check_stringid(store, to_text(given.get("stringid")))
    row = store.lists.add(_row(store, given))
    return reply(201, {"list": _CREATED(row, store, given)})


def _active(store: Store, row: rows.MailingList) -> int:
    return sum(1 for each in store.memberships if each.list == row.id and each.status == 1)


def _passes(row: rows.MailingList, store: Store, query: Query) -> bool:
    channel = query.get("filters", "channel") or "email"
    if channel not in ("all", row.channel):
        return False
    for name, operator, want in query.filters():
        if name == "name" and not matches(row.name, operator, want):
            return False
        if name == "id" and str(row.id) != want:
            return False
        if name == "active_subscribers" and not compares(_active(store, row), operator, to_int(want)):
            return False
        moment = store.asked_moment(want) if name == "created_timestamp" else None
        if moment is not None and not compares(row.created, operator, moment):
            return False
    return True


@route("GET", "/lists")
def list_lists(call: Call) -> Answer:
    """A page of lists (recorded 2020 and 2021); those for text messages only on request (official client)."""
    store, query = call.store, call.query
    orders = {
        "id": lambda row: row.id,
        "name": lambda row: row.name.lower(),
        "created_timestamp": lambda row: row.created,
        "active_subscribers": lambda row: _active(store, row),
    }
    found = ordered([row for row in store.listed(store.lists) if _passes(row, store, query)], query, orders)
    return reply(200, {"lists": LIST.many(query.page(found), store), "meta": {"total": str(len(found))}})


@route("GET", "/lists/{id}")
def get_list(call: Call) -> Answer:
    """One list (recorded 2020 and 2021)."""
    return reply(200, {"list": LIST(call.store.lists.need(call.id), call.store)})


@route("PUT", "/lists/{id}")
def update_list(call: Call) -> Answer:
    """Changes a list; unless every required field is sent the answer is 200 and no body (recorded 2021, once)."""
    store, given = call.store, call.sent("list")
    row = store.lists.need(call.id)
    columns: dict[str, Any] = {name: to_text(given[name]) for name in _REQUIRED if to_text(given.get(name)).strip()}
    partial = len(columns) < len(_REQUIRED)
    if partial and store.settings.partial_list_change == "dropped":
        return reply(200, None, DROPPED)
    _check_stringid(store, columns.get("stringid", ""), row)
    columns.update({name: to_text(given[name]) or None for name in _NOTIFIED if name in given})
    if "send_last_broadcast" in given:
        columns["send_last_broadcast"] = "1" if to_flag(given["send_last_broadcast"]) else "0"
    store.lists.change(row, **columns, updated=store.now())
    if partial:
        return reply(200, None, DROPPED)
    return reply(200, {"list": LIST(row, store)})


@route("DELETE", "/lists/{id}")
def delete_list(call: Call) -> Answer:
    """Deletes a list (recorded 2020 and 2021) with its memberships (assumed)."""
    store = call.store
    store.lists.drop(store.lists.need(call.id))
    for row in store.memberships:
        if row.list == call.id:
            store.memberships.drop(row)
    return reply(200, {})

"""The people who work in the account."""

from typing import Any

from ac_tools.sandbox import _rows as rows
from ac_tools.sandbox._router import Call, route
from ac_tools.sandbox._shape import Shape, View, always, attr, ident, iso, links, sent
from ac_tools.sandbox._store import Store
from ac_tools.sandbox._values import to_int, to_text
from ac_tools.sandbox._wire import Answer, missing, not_found, reply


def _zone(row: rows.User, view: View) -> str:
    """A user's own zone; one who has none has that of the account's first user (recorded 2020 and 2021)."""
    first = next(iter(view.store.users), row)
    return row.zone or first.zone or view.store.settings.timezone


_LINKS = links(
    "users",
    *("lists", "userGroup", "dealGroupTotals", "dealGroupUsers", "configs", "dealConnection"),
    *("userConversationsPermission", "seatUser"),
)

USER = Shape[rows.User](
    {
        "username": attr("username"),
        "firstName": attr("first_name"),
        "lastName": attr("last_name"),
        "email": attr("email"),
        "phone": attr("phone"),
        "signature": attr("signature"),
        "localZoneid": _zone,
        "password_updated_utc_timestamp": attr("password_updated"),
        "cdate": iso("created"),
        "udate": iso("updated"),
        "mfaEnabled": always("0"),
        "links": _LINKS,
        "id": ident(),
    }
)

_CREATED = Shape[rows.User](
    {
        **{name: sent(name) for name in ("username", "email", "firstName", "lastName", "phone")},
        "localZoneid": _zone,
        "cdate": iso("created"),
        "udate": iso("updated"),
        "links": _LINKS,
        "id": ident(),
    }
)

# The rows that tie a user to a group and to conversations have the user's own id (recorded 2020, once).
_UPDATED = USER.before("links", userGroup=ident(), userConversationsPermission=ident())

_USER_GROUP = Shape[rows.User](
    {
        "userid": ident(),
        "groupid": ident("group"),
        "cdate": iso("created"),
        "udate": iso("updated"),
        "links": links("userGroups", "group", "user"),
        "id": ident(),
        "group": ident("group"),
        "user": ident(),
    }
)

_CONVERSATIONS = Shape[rows.User](
    {
        "user": ident(),
        "permission": always("0"),
        "created_timestamp": iso("created"),
        "updated_timestamp": iso("updated"),
        "links": links("userConversationsPermissions", "user"),
        "id": ident(),
    }
)

_COLUMNS = {"username": "username", "email": "email", "firstName": "first_name", "lastName": "last_name"}
_NEEDED = ("username", "password", "email", "firstName", "lastName", "group")


def key_owner(call: Call) -> rows.User:
    """The user whose key it is: the account's first."""
    return next(iter(call.store.users), None) or call.store.users.need(0)


def _columns(given: dict[str, Any]) -> dict[str, Any]:
    names = {**_COLUMNS, "phone": "phone"}
    columns: dict[str, Any] = {names[key]: to_text(value) for key, value in given.items() if key in names}
    if given.get("group") is not None:
        columns["group"] = to_int(given["group"])
    return columns


@route("GET", "/users")
def list_users(call: Call) -> Answer:
    """A page of users (recorded 2020 and 2021)."""
    users = list(call.store.users)
    return reply(200, {"users": USER.many(call.query.page(users), call.store), "meta": {"total": str(len(users))}})


@route("POST", "/users")
def create_user(call: Call) -> Answer:
    """Adds a user: 201 (recorded 2020 and 2021); what is needed is documented, the refusal assumed."""
    store, given = call.store, call.sent("user")
    absent = [name for name in _NEEDED if not to_text(given.get(name)).strip()]
    if absent:
        raise missing("user", *absent)
    now = store.now()
    row = rows.User(id=store.users.next_id(), **_columns(given), created=now, updated=now)
    return reply(201, {"user": _CREATED(store.users.add(row), store, given)})


@route("GET", "/users/{id}")
def get_user(call: Call) -> Answer:
    """One user (recorded 2020 and 2021)."""
    return reply(200, {"user": USER(call.store.users.need(call.id), call.store)})


@route("PUT", "/users/{id}")
def update_user(call: Call) -> Answer:
    """Changes what is sent (recorded 2020)."""
    store = call.store
    row = store.users.need(call.id)
    store.users.change(row, **_columns(call.sent("user")), updated=store.now())
    beside = {"userGroups": [_USER_GROUP(row, store)], "userConversationsPermissions": [_CONVERSATIONS(row, store)]}
    return reply(200, {**beside, "user": _UPDATED(row, store)})


@route("DELETE", "/users/{id}")
def delete_user(call: Call) -> Answer:
    """Takes a user out (recorded 2020 and 2021); deals keep their owner's id (assumed)."""
    call.store.users.drop(call.store.users.need(call.id))
    return reply(200, {})


@route("GET", "/users/me")
def get_me(call: Call) -> Answer:
    """The key's own user (recorded 2021)."""
    return reply(200, {"user": USER(key_owner(call), call.store)})


def _by(store: Store, column: str, wanted: str) -> Answer:
    for row in store.users:
        if str(getattr(row, column)).lower() == wanted.lower():
            return reply(200, {"user": USER(row, store)})
    raise not_found("User", 0)


@route("GET", "/users/email/{email}")
def get_user_by_email(call: Call) -> Answer:
    """A user by address (recorded 2020); the 404 of an unknown one is assumed."""
    return _by(call.store, "email", call.names["email"])


@route("GET", "/users/username/{username}")
def get_user_by_name(call: Call) -> Answer:
    """A user by login name (recorded 2020 and 2021); the 404 of an unknown one is assumed."""
    return _by(call.store, "username", call.names["username"])

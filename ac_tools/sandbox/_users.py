"""The people who work in the account."""

from ac_tools.sandbox import _rows as rows
from ac_tools.sandbox._router import Call, route
from ac_tools.sandbox._shape import Shape, always, attr, ident, links
from ac_tools.sandbox._wire import Answer, not_found, reply

USER = Shape[rows.User](
    {
        "username": attr("username"),
        "firstName": attr("first_name"),
        "lastName": attr("last_name"),
        "email": attr("email"),
        "phone": always(""),
        "signature": always(None),
        "localZoneid": lambda row, view: view.store.settings.timezone,
        "password_updated_utc_timestamp": always(None),
        "cdate": always(None),
        "udate": always(None),
        "mfaEnabled": always("0"),
        "links": links(
            "users",
            *("lists", "userGroup", "dealGroupTotals", "dealGroupUsers", "configs", "dealConnection"),
            *("userConversationsPermission", "seatUser"),
        ),
        "id": ident(),
    }
)


def key_owner(call: Call) -> rows.User:
    """The user whose key it is: the account's first."""
    return next(iter(call.store.users), None) or call.store.users.need(0)


@route("GET", "/users")
def list_users(call: Call) -> Answer:
    """A page of users (recorded 2020 and 2021)."""
    users = list(call.store.users)
    return reply(200, {"users": USER.many(call.query.page(users), call.store), "meta": {"total": str(len(users))}})


@route("GET", "/users/{id}")
def get_user(call: Call) -> Answer:
    """One user (recorded 2020 and 2021)."""
    return reply(200, {"user": USER(call.store.users.need(call.id), call.store)})


@route("GET", "/users/me")
def get_me(call: Call) -> Answer:
    """The key's own user (recorded 2021)."""
    return reply(200, {"user": USER(key_owner(call), call.store)})


@route("GET", "/users/email/{email}")
def get_user_by_email(call: Call) -> Answer:
    """A user by address (recorded 2020); the 404 of an unknown one is assumed."""
    wanted = call.names["email"].lower()
    for row in call.store.users:
        if row.email.lower() == wanted:
            return reply(200, {"user": USER(row, call.store)})
    raise not_found("User", 0)

"""Ordering failures, and how webhooks are sent, from outside: over HTTP, beside the API."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from ac_tools.sandbox._fault_orders import Order
from ac_tools.sandbox._sandbox import Sandbox
from ac_tools.sandbox._wire import Answer, Refusal, decode, reply

CONTROL = "/__sandbox/"
"""Beside /api/3, so that no client of the API meets it by accident."""


def control(sandbox: Sandbox, method: str, path: str, body: bytes) -> Answer:
    """Answers a request that is no part of the API: it needs no key, has no limit and is not recorded."""
    name = path.removeprefix(CONTROL)
    if name not in _ROOMS:
        return _told(404, f"There is no {path:.80}. There are {' and '.join(CONTROL + each for each in _ROOMS)}.")
    if method not in ("GET", "POST", "DELETE"):
        return _told(405, f"{path} takes POST to order, GET to list and DELETE to clear, and no {method}.")
    try:
        return _ROOMS[name](sandbox, method, body)
    except Refusal as refusal:
        return refusal.answer
    except ValueError as error:
        return _told(422, str(error))


def _faults(sandbox: Sandbox, method: str, body: bytes) -> Answer:
    if method == "DELETE":
        return reply(200, {"cleared": sandbox.clear_faults()})
    if method == "POST":
        sandbox.fault(**Order.of(_object(body, {"method": "GET", "path": "/tags", "status": 503})).words())
    return reply(201 if method == "POST" else 200, {"faults": sandbox.faults})


def _webhooks(sandbox: Sandbox, method: str, body: bytes) -> Answer:
    if method == "DELETE":
        sandbox.webhooks.restore()
    if method == "POST":
        sandbox.webhooks.order(_object(body, {"duplicates": 0.2, "held": 5}))
    return reply(200, {"webhooks": sandbox.webhooks.words()})


_ROOMS: Mapping[str, Callable[[Sandbox, str, bytes], Answer]] = {"faults": _faults, "webhooks": _webhooks}


def _object(body: bytes, example: Mapping[str, Any]) -> dict[str, Any]:
    such = f"such as {json.dumps(example)}"
    try:
        words = decode(body)
    except Refusal:
        raise Refusal(400, {"error": f"The body is not valid JSON. Send an object {such}"}) from None
    if not body.strip() or not isinstance(words, dict):
        raise Refusal(400, {"error": f"The body is no JSON object. Send one {such}"})
    return words


def _told(status: int, text: str) -> Answer:
    return reply(status, {"error": text})

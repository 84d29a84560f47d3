"""Forms as PHP writes them, `contact[email]=...`, read within bounds that hold whatever was sent."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl

from ac_tools.webhooks._errors import BodyError

MOST_BYTES = 500_000
"""Of a body. The largest captured one had 3 KB; a note of 64 KB in any script fits."""
MOST_FIELDS = 5_000
MOST_DEPTH = 8
"""Brackets in a name: `deal[fields][0][key]`, the deepest documented, has three."""
_LONGEST_NAME = 500

_NAME = re.compile(r"([^\[]+)((?:\[[^\[\]]*\])*)")
_FORM = "application/x-www-form-urlencoded"

Form = dict[str, Any]
"""Texts and further forms by their names; a list is a form whose names count from 0."""


def parse_form(body: bytes, content_type: str = "") -> Form:
    """Read a form with PHP's bracket names, in time and memory that grow with its size alone.

    Where a name is given twice the later one counts, as in PHP; `name[]` counts on. Numbers in brackets are names, too:
    `contact[fields][7]` is the field with id 7, and no eighth element.

    Args:
        body: The request's body.
        content_type: Its content type; none counts as a form, since the account sends nothing else (documented).

    Raises:
        BodyError: It is no form, or beyond a bound.
    """
    if content_type and content_type.partition(";")[0].strip().lower() != _FORM:
        raise BodyError(f"Webhooks are sent as {_FORM} and nothing else.", status=415)
    if len(body) > MOST_BYTES:
        raise BodyError(f"The body has {len(body)} bytes, more than {MOST_BYTES}.", status=413)
    fields = body.count(b"&") + 1
    if fields > MOST_FIELDS:
        raise BodyError(f"The form has {fields} fields, more than {MOST_FIELDS}.", status=413)
    pairs = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=MOST_FIELDS)
    tree = _Tree()
    for name, value in pairs:
        tree.put(_steps(name), value)
    return tree.root


def _steps(name: str) -> list[str]:
    """The names on the way to a field; an empty one counts on."""
    depth = name.count("[")
    if depth > MOST_DEPTH:
        raise BodyError(f"A field's name is nested {depth} deep, more than {MOST_DEPTH}.")
    if len(name) > _LONGEST_NAME:
        raise BodyError(f"A field's name has {len(name)} characters, more than {_LONGEST_NAME}.")
    match = _NAME.fullmatch(name)
    if match is None:
        return [name]
    return [match[1], *(step[:-1] for step in match[2].split("[")[1:])]


class _Tree:
    """A form that is being put together."""

    def __init__(self) -> None:
        self.root: Form = {}
        self._next: dict[int, int] = {}  # by the identity of a form in the tree, whose parts are never taken out

    def put(self, steps: list[str], value: str) -> None:
        form = self.root
        for step in steps[:-1]:
            inner = form.get(step) if step else None
            if not isinstance(inner, dict):
                # What it replaces stays, so that its identity is not given to another one.
                inner = form[self._name(form, step)] = {}
            form = inner
        form[self._name(form, steps[-1])] = value

    def _name(self, form: Form, step: str) -> str:
        """The name in the form; for an empty one the number after the highest."""
        following = self._next.get(id(form), 0)
        number = int(step) if step.isascii() and step.isdigit() and len(step) < 10 else None
        if not step:
            number = following
        if number is not None:
            self._next[id(form)] = max(following, number + 1)
        return step or str(number)

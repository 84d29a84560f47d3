"""How records look in a notebook: the fields that we know and that have a value, under the names that programs use."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ac_guardrails._html import Cell, framed, table
from ac_tools._records._base import Record

if TYPE_CHECKING:
    from ac_tools._pages import Page

_COLUMNS = 8
_LONGEST_IN_A_ROW = 120


def record_html(record: Record) -> str:
    """One record: a row a field."""
    name = type(record).__name__
    rows = [(field, text) for field in _fields(record) if (text := _text(getattr(record, field)))]
    if not rows:
        return framed(f"{name}: empty")
    more = len(record.model_extra or {})
    return table(rows, caption=name, below=[f"{more} more in .wire"] if more else [])


def page_html(page: Page[Any]) -> str:
    """A page: a row a record, and a column a field, the first that have a value anywhere."""
    if not page.items:
        return framed("No records.")
    fields = _filled(page.items)
    shown = fields[:_COLUMNS]
    texts = ([_text(getattr(item, field, None)) for field in shown] for item in page.items)
    rows = [[Cell(text, limit=_LONGEST_IN_A_ROW) for text in row] for row in texts]
    of = f" of {page.total}" if page.total is not None else ""
    columns = f", {len(shown)} of {len(fields)} fields" if len(shown) < len(fields) else ""
    return table(rows, head=shown, caption=f"{type(page.items[0]).__name__}: {len(page.items)}{of}{columns}")


def _fields(record: Record) -> Iterable[str]:
    return type(record).model_fields


def _filled(records: Iterable[Record]) -> list[str]:
    """The fields that have a value in any of the records, in the order in which they are declared."""
    names = dict.fromkeys(name for record in records for name in _fields(record))
    return [name for name in names if any(_text(getattr(record, name, None)) for record in records)]


def _text(value: Any) -> str:
    """A value as a person reads it; empty where there is none."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case datetime():
            offset = value.strftime("%z")
            return f"{value:%Y-%m-%d %H:%M} {offset[:3]}:{offset[3:5]}"
        case tuple():
            return ", ".join(map(str, value))
    return str(value)

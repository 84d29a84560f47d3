"""The record that all others are: read from the wire, kept whole, shown short."""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, ClassVar, Self, TypeVar

from pydantic import BaseModel, ConfigDict, PrivateAttr

_LONGEST_SHOWN = 60


class Record(BaseModel):
    """What all records share: reading from the wire, the raw record, a short repr."""

    model_config = ConfigDict(frozen=True, extra="allow", populate_by_name=True, defer_build=True)

    _hidden: ClassVar[frozenset[str]] = frozenset({"links"})
    _shown: ClassVar[tuple[str, ...]] = ("id",)
    _wire: Mapping[str, Any] = PrivateAttr(default_factory=dict)

    @classmethod
    def from_wire(cls, data: Mapping[str, Any]) -> Self:
        """Read one record out of an answer; no value in it makes this fail.

        Args:
            data: the record as the account sent it, without the key around it.
        """
        skipped = _skipped(cls)
        record = cls.model_validate({k: v for k, v in data.items() if k not in skipped and k.isprintable()})
        record._wire = dict(data)
        return record

    @property
    def wire(self) -> Mapping[str, Any]:
        """The record as the account sent it; empty for a record that did not come through `from_wire`."""
        return self._wire

    def __repr_args__(self) -> Iterable[tuple[str, Any]]:
        for name in self._shown:
            value = getattr(self, name)
            long = isinstance(value, str) and len(value) > _LONGEST_SHOWN
            yield name, f"{value[: _LONGEST_SHOWN - 1]}…" if long else value

    def _repr_html_(self) -> str:
        from ac_tools._records._html import record_html

        return record_html(self)


RecordT = TypeVar("RecordT", bound=Record)


@cache
def _skipped(model: type[Record]) -> frozenset[str]:
    """The keys that a record does not take from the wire: one that is called like one of our attributes must not pose
    as it.
    """
    ours = {name for name, field in model.model_fields.items() if field.alias not in (None, name)}
    return model._hidden | ours


def parse_many(model: type[RecordT], rows: Any) -> list[RecordT]:
    """Read a collection of records, in its order.

    Args:
        model: the record's class.
        rows: the list that the account sent; anything but a list, such as the null of an absent collection, counts as
            empty, and a row that is no object is passed over.
    """
    return [model.from_wire(row) for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []

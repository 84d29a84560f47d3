"""Comparing an account's answers with the contracts while one works. Loaded only by accounts that are asked to."""

from __future__ import annotations

import json
import logging
import threading
import warnings
from collections.abc import Iterable
from typing import Any

from ac_tools._http import Answer, Failure, Wire
from ac_tools.contracts import Contract, Difference, DriftWarning, Kind, contract_for, contracts

_LOG = logging.getLogger("ac_tools")
_MOST_NAMED = 8


class Drift:
    """Warns of what differs, once for each endpoint and kind of difference. It changes and breaks nothing.

    Comparing a page of a hundred contacts takes about 40 ms, on the thread or the event loop that reads it: leaving the
    loop would be a moment at which a write's answer could be lost to a cancellation.
    """

    def __init__(self) -> None:
        contracts()  # reads files, which an event loop must not
        self._told: set[tuple[str, Kind]] = set()
        self._lock = threading.Lock()

    def compare(self, wire: Wire, path: str, answer: Answer | Failure) -> None:
        """Compare what came of a request.

        Args:
            wire: The request.
            path: Its path below the API's base.
            answer: What came of it.
        """
        try:
            if isinstance(answer, Answer) and answer.body and (contract := contract_for(wire.method, path)):
                self._compare(contract, answer.status, json.loads(answer.body), sent=json.loads(wire.body or b"null"))
        except (ValueError, RecursionError):
            pass  # no JSON, or too deep: whoever reads the answer says so
        except Exception:  # a write's answer is worth more than what we think of it
            _LOG.exception("An answer could not be compared with its contract.")

    def _compare(self, contract: Contract, status: int, data: Any, *, sent: Any) -> None:
        found = contract.of_reply(status, data, sent=sent)
        for kind in dict.fromkeys(each.kind for each in found):
            if self._is_first(contract, kind):
                _warn(_text(contract, status, (each for each in found if each.kind == kind)))

    def _is_first(self, contract: Contract, kind: Kind) -> bool:
        with self._lock:
            size = len(self._told)
            self._told.add((contract.tool, kind))
            return len(self._told) > size


def _warn(text: str) -> None:
    try:
        warnings.warn(text, DriftWarning, stacklevel=2)
    except DriftWarning:  # made an error: raised here it would lose the answer of a write that is done
        _LOG.warning(text)


def _text(contract: Contract, status: int, found: Iterable[Difference]) -> str:
    texts = [str(each) for each in found]
    more = f"; and {len(texts) - _MOST_NAMED} more" if len(texts) > _MOST_NAMED else ""
    return (
        f"{contract.method} {contract.path} answers otherwise than was known on {contract.known(status)}: "
        f"{'; '.join(texts[:_MOST_NAMED])}{more}. "
        "`ac-tools doctor --contracts` compares all that can be read."
    )

"""Row 34, without its defences in the processes that the tests start."""

from __future__ import annotations

from pathlib import Path

import pytest

from .common import Patch, Removal

_STARTED_FIRST = Path(__file__).with_name("in_processes")
_FILE = "test_many_processes."
_BUDGET = "from ac_tools import ActiveCampaign; ActiveCampaign.share_budget = lambda *_: None"
_MEMORY = "from ac_guardrails import _turnstile; _turnstile._LONGEST_FLIGHT = 86400.0"


def in_processes(statements: str) -> Patch:
    """Every Python that is started from here on runs these statements first."""

    def patch_them(patch: pytest.MonkeyPatch) -> None:
        patch.setenv("PYTHONPATH", str(_STARTED_FIRST))
        patch.setenv("HOLES_WITHOUT", statements)

    return patch_them


REMOVALS = [
    Removal(
        f"{_FILE}test_row_34_three_processes_keep_one_budget", "the common file of the budget", in_processes(_BUDGET)
    ),
    Removal(
        f"{_FILE}test_row_34_a_429_holds_every_process_back", "the common file of the budget", in_processes(_BUDGET)
    ),
    Removal(
        f"{_FILE}test_row_34_a_killed_process_blocks_nobody_for_ever",
        "the forgetting of what nobody gives back",
        in_processes(_MEMORY),
    ),
]

"""Fixtures for pytest: `pytest_plugins = ["ac_tools.testing.fixtures"]` in your conftest.py or test module.

It is no plugin that pytest finds by itself: that would be imported in every test run of whoever has this installed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from ac_tools import ActiveCampaign, ActiveCampaignToolkit
from ac_tools.testing import RecordingApprover, sandbox_toolkit


@pytest.fixture
def ac_account() -> Iterator[ActiveCampaign]:
    """A fresh embedded account with believable data; `.simulator` shows what reached it and takes orders to fail."""
    with ActiveCampaign.sandbox() as account:
        yield account


@pytest.fixture
def ac_approver() -> RecordingApprover:
    """A person who approves everything and keeps the questions in `.requests`; override it for other answers."""
    return RecordingApprover()


@pytest.fixture
def ac_toolkit(
    ac_account: ActiveCampaign, ac_approver: RecordingApprover
) -> Iterator[Callable[..., ActiveCampaignToolkit]]:
    """Makes toolkits of the account and the approver from grants: `ac_toolkit({"contacts": "read"})`."""
    made: list[ActiveCampaignToolkit] = []

    def make(grants: Mapping[str, Any], **options: Any) -> ActiveCampaignToolkit:
        made.append(sandbox_toolkit(grants, **{"approver": ac_approver, "account": ac_account, **options}))
        return made[-1]

    yield make
    for toolkit in made:
        toolkit.guard.ledger.close()

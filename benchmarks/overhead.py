"""What the guard costs: one decision, and a guarded read beside the same request sent bare.

`python benchmarks/overhead.py` prints medians of one run, all in memory: no network, no disk.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

from ac_guardrails import Action, Grants, Guard, Level, Need, Request
from ac_guardrails._request import mint
from ac_tools import ActiveCampaign, ActiveCampaignToolkit
from ac_tools._catalog import catalog

GRANTS = Grants.from_dict(
    {"agents": {"marketing": {"contacts": "read", "tags": {"access": "write", "only": {"tag": ["VIP"]}}}}},
    catalog=catalog,
)
READ = Request("GET", "/contacts/46")


def microseconds(work: Callable[[], object], *, times: int) -> float:
    """The median of single calls; the first tenth is left out, as it warms things up."""
    measured = []
    for _ in range(times):
        begun = time.perf_counter()
        work()
        measured.append((time.perf_counter() - begun) * 1e6)
    return statistics.median(measured[times // 10 :])


def main() -> None:
    """Measure, print."""
    action = Action(
        agent="marketing",
        tool="ac_get_contact",
        host="sandbox.api-us1.example",
        needs=(Need("contacts", Level.READ),),
        arguments={"contact": 46},
        what="read contact 46",
        plain="read contact 46",
        request=READ,
    )
    with ActiveCampaign.sandbox() as account:
        guard = Guard(GRANTS, ledger="memory:")
        tool = ActiveCampaignToolkit(account=account, guard=guard, agent="marketing").get_tool("ac_get_contact")
        decide = microseconds(lambda: GRANTS.decide(action, {}), times=5000)
        bare = microseconds(lambda: account.send(READ, mint(READ)), times=300)
        guarded = microseconds(lambda: tool.invoke({"contact": 46}), times=300)
    print(f"{decide:8.1f} us  decide")
    print(f"{bare:8.1f} us  GET /contacts/46, bare")
    print(f"{guarded:8.1f} us  ac_get_contact: the same, through LangChain, the guard, the ledger and the tool's text")
    print(f"{guarded - bare:8.1f} us  more, which is {(guarded - bare) / 200_000:.2%} of the 200 ms that a request has")


if __name__ == "__main__":
    main()

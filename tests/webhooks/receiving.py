"""A receiver in a process of its own, which the test kills: each event's handler puts one tag on one contact.

Run with a folder, the account's URL, and a port.
"""

from __future__ import annotations

import sys

import uvicorn

from ac_guardrails import Grants, Guard
from ac_tools import ActiveCampaign, ActiveCampaignToolkit
from ac_tools._catalog import catalog
from ac_tools.webhooks import Received, Receiver

SECRET = "s3cret-in-the-url-000000000"


def main(folder: str, url: str, port: str) -> None:
    grants = Grants.from_dict({"agents": {"tagger": {"tags": "write"}}}, catalog=catalog)
    guard = Guard(grants, ledger=f"sqlite:///{folder}/ledger.db", settle_after=3.0)
    account = ActiveCampaign(url=url, key="sandbox", limit=None)
    toolkit = ActiveCampaignToolkit(account=account, guard=guard, agent="tagger")
    receiver = Receiver(f"sqlite:///{folder}/webhooks.db", secrets=[SECRET], backoff=0.3, attempts=8)

    @receiver.on("contact_tag_added", name="follow up")
    def follow_up(received: Received) -> None:
        number = int(received.event.tag)
        received.call(toolkit, "ac_add_tag", contact=number // 100 + 1, tag=number % 100 + 1)

    uvicorn.run(receiver.app, port=int(port), log_level="critical", access_log=False)


if __name__ == "__main__":
    main(*sys.argv[1:])

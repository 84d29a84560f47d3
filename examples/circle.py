"""Full circle: somebody tags a person, that starts the triage, you approve its write, and the account confirms it.

The account is an embedded one, yet it sends its webhooks for real, over HTTP on this machine.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from common import Answerer, answered, options, person, thread
from langgraph.checkpoint.sqlite import SqliteSaver
from triage.events import started_by
from triage.graph import build

from ac_guardrails import Grants, Guard
from ac_guardrails.approvers.langgraph import ask_in_graph
from ac_tools import ActiveCampaign, ActiveCampaignToolkit
from ac_tools.webhooks import Received, Receiver, new_secret

MARIA, LEAD = 46, 1
GRANTS = {
    "agents": {
        "triage": {
            "contacts": "write",
            "lists": "read",
            "fields": "read",
            "accounts": "read",
            "tags": {"access": "write", "ask": "writes"},
            "deals": "write",
            "automations": "full",
        }
    }
}


def main() -> None:
    args = options(__doc__ or "", real=False, model=False).parse_args()
    with tempfile.TemporaryDirectory() as folder, ActiveCampaign.sandbox() as account:
        print(circle(account, Path(folder), person(args.answer)))


def circle(account: ActiveCampaign, folder: Path, answerer: Answerer) -> str:
    """Go round once, and tell what came in and what is on record.

    Args:
        account: An embedded account.
        folder: Where events, checkpoints and ledger are kept.
        answerer: Who answers.
    """
    guard = Guard(Grants.from_dict(GRANTS), approver=ask_in_graph, ledger=f"sqlite:///{folder}/ledger.db")
    toolkit = ActiveCampaignToolkit(account=account, guard=guard, agent="triage")
    secret = new_secret()
    receiver = Receiver(f"sqlite:///{folder}/webhooks.db", secrets=[secret])
    with SqliteSaver.from_conn_string(str(folder / "checkpoints.db")) as saver:
        graph = build(toolkit).compile(checkpointer=saver, name="triage")
        receiver.on("contact_tag_added", graph, state=started_by)
        receiver.confirm(toolkit)
        with receiver.serve() as url:
            register(account, f"{url}/{secret}")
            account.simulator.act("POST", "/contactTags", {"contactTag": {"contact": MARIA, "tag": LEAD}})
            begun = worked_off(receiver, account)[0]  # it waits for a person, in the event's own thread
            report = answered(graph, None, thread(begun.thread), answerer)["report"]
            events = worked_off(receiver, account)
    came = [event.sentence for event in events]
    recorded = [entry.sentence for entry in guard.ledger.entries() if entry.is_write]
    return "\n".join([report, "What came in:", *came, "", "On record:", *recorded])


def register(account: ActiveCampaign, url: str) -> None:
    """What an admin does once on the account's page. Without the source api no write is confirmed."""
    hook = {"name": "Triage", "url": url, "events": ["contact_tag_added", "update"], "sources": ["admin", "api"]}
    account.simulator.act("POST", "/webhooks", {"webhook": hook})


def worked_off(receiver: Receiver, account: ActiveCampaign) -> list[Received]:
    """Wait until the account has told everything and all handlers have run; gives the events."""
    account.simulator.webhooks.flush()
    while {"waiting", "running"} & receiver.store.counts().keys():
        time.sleep(0.05)
    return receiver.store.events()


if __name__ == "__main__":
    main()

"""Triages a file of leads: who is new, who is hot, and what follows. It waits for a person before it enrols anybody.

Run it again with the same file, and it goes on where it stopped, also after a crash.
"""

from __future__ import annotations

import hashlib
import sys
import tempfile
from argparse import Namespace
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from common import Answerer, answered, open_account, options, person, thread

from ac_guardrails import Grants, Guard
from ac_guardrails.approvers.langgraph import ask_in_graph
from ac_tools import ActiveCampaign, ActiveCampaignToolkit

from .graph import GRANTS, LEADS, Triage, build
from .writes import STEPS

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig
    from langgraph.graph.state import CompiledStateGraph


def main() -> None:
    args = arguments()
    with ExitStack() as stack:
        folder = args.folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        print(triage(args.file, folder, open_account(real=args.real), person(args.answer), again=args.again))


def arguments() -> Namespace:
    parser = options(__doc__ or "", model=False)
    parser.prog = "python -m triage"
    parser.add_argument("file", nargs="?", type=Path, default=LEADS, help="the leads, as a CSV file")
    parser.add_argument("--folder", type=Path, help="where to keep checkpoints and ledger; needed with --real")
    parser.add_argument("--again", choices=("enrich", "score", *STEPS), help="go back to before this step")
    args = parser.parse_args()
    if args.real != bool(args.folder):
        parser.error("--real and --folder belong together: what was done in an account is on record in the folder.")
    return args


def triage(file: Path, folder: Path, account: ActiveCampaign, answerer: Answerer, *, again: str | None = None) -> str:
    """Triage a file, from where it stands, and return the report.

    Args:
        file: The leads.
        folder: Where checkpoints and ledger are kept.
        account: The account; closed at the end.
        answerer: Who answers.
        again: The step to go back to; what was written by then is not written twice.
    """
    from langgraph.checkpoint.sqlite import SqliteSaver

    folder.mkdir(parents=True, exist_ok=True)
    guard = Guard(Grants.from_file(GRANTS), approver=ask_in_graph, ledger=f"sqlite:///{folder}/ledger.db")
    with (
        SqliteSaver.from_conn_string(str(folder / "checkpoints.db")) as saver,
        ActiveCampaignToolkit(account=account, guard=guard, agent="triage") as toolkit,
    ):
        graph = build(toolkit).compile(checkpointer=saver)
        # The thread is the file, whatever it is called.
        config = thread(hashlib.sha256(file.read_bytes()).hexdigest()[:16])
        if again:
            go_back(graph, config, again)
        begun = graph.get_state(config).values
        return answered(graph, None if begun else {"path": str(file)}, config, answerer)["report"]


def go_back(graph: CompiledStateGraph[Triage], config: RunnableConfig, step: str) -> None:
    """Fork the thread where this step came next."""
    for state in graph.get_state_history(config):
        if state.next == (step,):
            graph.update_state(state.config, None)  # nothing is changed, so this copies the checkpoint
            return
    sys.exit(f"This file has not come to the step {step} yet.")


if __name__ == "__main__":
    main()

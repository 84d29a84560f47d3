"""A process that is ready to call: told to, it forks callers, lets them all go at once, and may kill them on the way.

It reads commands from its input, a line of JSON each, and answers each with a line: what every caller was told, or how
it ended where it was killed.
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from typing import Any, NoReturn

from ac_guardrails import AnswerError, Decision, Grants, Guard, Ledger
from ac_guardrails.approvers import Inbox
from ac_tools import ActiveCampaign, ActiveCampaignToolkit
from ac_tools._catalog import AREAS, catalog


def let_them_meet(both: Any) -> None:
    """Let two writes that are about to be put on record wait for each other: they are not there one after the other.

    Args:
        both: A barrier for two, of threads or of processes.
    """
    reserve = Ledger.reserve

    def together(ledger: Ledger, *args: Any, **kwargs: Any) -> None:
        with contextlib.suppress(threading.BrokenBarrierError):  # only one came
            both.wait(1.0)
        reserve(ledger, *args, **kwargs)

    Ledger.reserve = together  # type: ignore[method-assign]


class Callers:
    """Children that make one call each.

    Args:
        url: Where the account is served.
        key: Its key.
        ledger: The file of the ledger that all of them share.
    """

    def __init__(self, url: str, key: str, ledger: str) -> None:
        grants = Grants.from_dict({"agents": {"marketing": dict.fromkeys(AREAS, "full")}}, catalog=catalog)
        self._guard = Guard(grants, ledger=f"sqlite:///{ledger}", approver=Inbox(wait=0))
        self._account = (url, key)

    def obey(
        self,
        *,
        tool: str = "",
        args: dict[str, Any] | None = None,
        count: int = 1,
        call: str = "call_1",
        thread: str = "thread",
        kill_after: float | None = None,
        timeout: float = 30.0,
        answering: str = "",
        meeting: bool = False,
    ) -> list[Any]:
        """Fork the callers of one command, and wait for them.

        Args:
            tool: The tool's name.
            args: Its arguments.
            count: How many callers.
            call: The id of the call, the same for all; {} in it is the caller's number.
            thread: The conversation.
            kill_after: Seconds after which they are killed; None to let them be.
            timeout: How long they wait for the account, in seconds.
            answering: A question that they answer instead of calling a tool, every second one with a yes.
            meeting: Whether two writes that are about to be put on record wait for each other.
        """
        if meeting:
            let_them_meet(multiprocessing.Barrier(2))
        gate_out, gate_in = os.pipe()
        started = []
        for number in range(count):
            told_out, told_in = os.pipe()
            pid = os.fork()
            if pid == 0:
                os.close(gate_in)
                os.read(gate_out, 1)  # until the parent opens the gate by closing its end
                if answering:
                    _in_child(told_in, lambda number=number: self._answered(answering, number))
                _in_child(told_in, lambda number=number: self._told(tool, args, call.format(number), thread, timeout))
            os.close(told_in)
            started.append((pid, told_out))
        os.close(gate_out)
        os.close(gate_in)
        if kill_after is not None:
            time.sleep(kill_after)
            for pid, _ in started:
                os.kill(pid, signal.SIGKILL)
        return [_ended(pid, told) for pid, told in started]

    def _told(self, tool: str, args: Any, call: str, thread: str, timeout: float) -> Any:
        url, key = self._account
        with ActiveCampaign(url=url, key=key, limit=None, timeout=timeout) as account:
            made = ActiveCampaignToolkit(account=account, guard=self._guard, agent="marketing").get_tool(tool)
            message = made.invoke(
                {"type": "tool_call", "id": call, "name": tool, "args": args},
                config={"configurable": {"thread_id": thread}},
            )
        return message.status, message.content

    def _answered(self, question: str, number: int) -> Any:
        by = f"person {number}"
        try:
            self._guard.desk.answer(question, Decision.approve(by=by) if number % 2 else Decision.reject(by=by))
        except AnswerError as error:
            return "too late", str(error)
        return "stands", by


def _in_child(told: int, work: Callable[[], Any]) -> NoReturn:
    code = 1
    try:
        os.write(told, json.dumps(work()).encode())
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)  # a child runs nothing of its parent's


def _ended(pid: int, told: int) -> Any:
    with os.fdopen(told, "rb") as pipe:
        said = pipe.read()
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return json.loads(said) if said else code


def main() -> None:
    """Obey until there are no more commands."""
    callers = Callers(*sys.argv[1:])
    for line in sys.stdin:
        print(json.dumps(callers.obey(**json.loads(line))), flush=True)


if __name__ == "__main__":
    main()

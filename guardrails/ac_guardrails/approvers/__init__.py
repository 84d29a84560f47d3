"""Who can be asked: approvers that come with the guard.

`ac_guardrails.approvers.langgraph.ask_in_graph` pauses a LangGraph graph; it is imported by its own name.
"""

from ac_guardrails.approvers.inbox import Inbox
from ac_guardrails.approvers.terminal import ask_in_terminal

__all__ = ["Inbox", "ask_in_terminal"]

"""Who can be asked: approvers that come with the guard."""

from ac_guardrails.approvers.terminal import ask_in_terminal

__all__ = ["ask_in_terminal"]

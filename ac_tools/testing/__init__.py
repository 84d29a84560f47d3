"""What users test their agents with: an embedded account, a guard in memory, a person who answers, a scripted model.

`pytest_plugins = ["ac_tools.testing.fixtures"]` brings fixtures made of these.
"""

from __future__ import annotations

from ac_tools.testing._approver import RecordingApprover
from ac_tools.testing._model import ScriptedChatModel, Turn, calling
from ac_tools.testing._toolkit import memory_guard, sandbox_toolkit, writes_to

__all__ = [
    "RecordingApprover",
    "ScriptedChatModel",
    "Turn",
    "calling",
    "memory_guard",
    "sandbox_toolkit",
    "writes_to",
]

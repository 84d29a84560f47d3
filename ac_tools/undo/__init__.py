"""Taking back: what undoes each write, what that cannot restore, and the calls that do it, all through the guard."""

from __future__ import annotations

from ac_tools.undo._past import UndoError
from ac_tools.undo._plan import PlannedStep, TakenStep, Undone, UndoPlan

__all__ = ["PlannedStep", "TakenStep", "UndoError", "UndoPlan", "Undone"]

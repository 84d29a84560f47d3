"""Recording how an account answers, as cassettes that may be published, and comparing it with the embedded one."""

from ac_tools.recording._compare import (
    SettingFinding,
    StepFinding,
    compare_settings,
    compare_steps,
)
from ac_tools.recording._folder import FolderError, seen_in
from ac_tools.recording._leaks import LeakError
from ac_tools.recording._listen import Listened, embedded
from ac_tools.recording._play import Tour, TourError
from ac_tools.recording._record import TOUR, play_on_sandbox, record

__all__ = [
    "TOUR",
    "FolderError",
    "LeakError",
    "Listened",
    "SettingFinding",
    "StepFinding",
    "Tour",
    "TourError",
    "compare_settings",
    "compare_steps",
    "embedded",
    "play_on_sandbox",
    "record",
    "seen_in",
]

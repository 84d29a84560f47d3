"""Recording an account: the tour, everything private taken out, a last look, and the folder."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path

from ac_tools.recording._folder import replacing, texts
from ac_tools.recording._leaks import check
from ac_tools.recording._listen import Listened, embedded
from ac_tools.recording._play import Played, Tour
from ac_tools.recording._scrub import Scrubber
from ac_tools.recording._steps import Seen
from ac_tools.recording._tour import READS
from ac_tools.recording._tour_writes import WRITES
from ac_tools.sandbox import Settings

TOUR = (*READS, *WRITES)


def record(account: Listened, tour: Tour, directory: Path) -> list[Played]:
    """Play the tour, and write what went over the wire, with nothing private in it.

    Args:
        account: The account.
        tour: Its tour.
        directory: The folder, which is replaced whole, or not at all.

    Raises:
        FolderError: The folder holds something else, or cannot be written.
        TourError: The account refuses the key, cannot be reached, or no longer answers.
        LeakError: Something private would have been written.
    """
    with replacing(directory) as folder:
        played = tour.play()
        for name, text in scrubbed(account, tour, played).items():
            (folder / name).write_text(text, encoding="utf-8")
    return played


def scrubbed(account: Listened, tour: Tour, played: Sequence[Played]) -> Mapping[str, str]:
    """The cassettes of a tour, looked through for what must not be in them.

    Raises:
        LeakError: Something private would have been in them.
    """
    key = account._key.get_secret_value()
    scrubber = Scrubber(account.host, key, secret=secrets.token_bytes(32), own=tour.sent)
    files = texts(played, scrubber)
    check(files, scrubber, account.host)
    return files


def play_on_sandbox(settings: Settings, *, writes: bool) -> dict[str, Seen]:
    """The answers of a fresh sandbox, by their steps.

    Args:
        settings: The sandbox's.
        writes: Whether the part that writes is played, too.
    """
    with embedded(settings) as account:
        return {each.step.name: each.seen for each in Tour(account, writes=writes, by="compare").play()}

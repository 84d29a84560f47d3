"""The folder of cassettes: written whole or not at all, and read again."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from ac_tools.recording._cassette import Readable
from ac_tools.recording._play import Played
from ac_tools.recording._scrub import Scrubber
from ac_tools.recording._steps import Seen
from ac_tools.recording._tour import AREAS

MARK = "recorder: ac-tools record 1"
"""The first line of each file."""

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # in C where there is one: bodies are long


class FolderError(Exception):
    """A folder cannot be written or read. The text says why, and what to do."""


def texts(played: Sequence[Played], scrubber: Scrubber) -> dict[str, str]:
    """The cassettes as they are written: a file for each area, with the steps in their order.

    Args:
        played: The steps.
        scrubber: What takes everything private out.
    """
    files = {}
    for area in AREAS:
        mine = [each for each in played if each.step.area == area]
        if mine:
            files[f"{area}.yaml"] = _text(mine, scrubber)
    return files


@contextmanager
def replacing(directory: Path) -> Iterator[Path]:
    """A new folder to write into, which takes the place of another at the end; whatever stops it changes nothing.

    Args:
        directory: The folder, which may be there with the cassettes of an earlier run.

    Raises:
        FolderError: It holds something else, or cannot be written.
    """
    directory = Path(os.path.abspath(directory)).resolve()
    _check_replaceable(directory)
    try:
        fresh = Path(tempfile.mkdtemp(prefix=f".{directory.name}-", dir=directory.parent))
    except OSError as error:
        raise FolderError(f"{directory.parent} cannot be written to ({error.strerror}). Choose another.") from None
    try:
        yield fresh
        _swap(fresh, directory)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def seen_in(directory: Path) -> dict[str, Seen]:
    """The answers of the steps in a folder's cassettes, in their order.

    Raises:
        FolderError: There is no such folder, it has no cassette of ours, or one is damaged.
    """
    if not directory.is_dir():
        raise FolderError(f"There is no folder {directory}. Record one: ac-tools record --out {directory}")
    files = [path for path in sorted(directory.glob("*.yaml")) if _is_ours(path)]
    if not files:
        raise FolderError(f"{directory} has no cassette of ac-tools record. Record one: ac-tools record --out FOLDER")
    return {name: seen for path in files for name, seen in _read(path)}


def _text(played: Sequence[Played], scrubber: Scrubber) -> str:
    cassette: dict[str, Any] = {
        "version": 1,
        "steps": [{"name": each.step.name, "interactions": len(each.heard)} for each in played],
        "interactions": [_interaction(heard, scrubber) for each in played for heard in each.heard],
    }
    return f"{MARK}\n{Readable.serialize(cassette)}"


def _interaction(heard: Any, scrubber: Scrubber) -> dict[str, Any]:
    wire, answer = heard.wire, heard.answer
    response = scrubber.response(answer.status, answer.headers, answer.body)
    text = response["body"]["string"].decode()
    return {
        "request": scrubber.request(wire.method, wire.url, wire.params, wire.body),
        "response": {**response, "body": {"string": text}},
    }


def _check_replaceable(directory: Path) -> None:
    if not directory.exists():
        return
    if not directory.is_dir():
        raise FolderError(f"{directory} is a file. Choose a folder.")
    foreign = [path.name for path in sorted(directory.iterdir()) if not _is_ours(path)]
    if foreign:
        raise FolderError(
            f"{directory} holds {foreign[0]!r}, which is no cassette of ac-tools record, and would be lost. "
            "Choose a new folder."
        )


def _is_ours(path: Path) -> bool:
    if path.suffix != ".yaml" or path.stem not in AREAS or path.is_symlink() or not path.is_file():
        return False
    with path.open("rb") as file:
        return file.readline(100).strip() == MARK.encode()


def _swap(fresh: Path, directory: Path) -> None:
    """Put the new folder in the other's place, which comes back if that fails."""
    old = fresh.with_name(f"{fresh.name}-old")
    umask = os.umask(0)
    os.umask(umask)
    fresh.chmod(0o777 & ~umask)
    had = directory.exists()
    if had:
        directory.rename(old)
    try:
        fresh.rename(directory)
    except BaseException:
        if had:
            old.rename(directory)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _read(path: Path) -> Iterator[tuple[str, Seen]]:
    damaged = FolderError(f"{path} is damaged and cannot be read as a cassette. Record it anew.")
    try:
        cassette = yaml.load(path.read_text(encoding="utf-8"), Loader=_LOADER)  # noqa: S506  # it is a safe one
        place = 0
        for step in cassette["steps"]:
            place += int(step["interactions"])
            yield str(step["name"]), _seen(cassette["interactions"][place - 1]["response"])
    except (OSError, ValueError, TypeError, LookupError, AttributeError, yaml.YAMLError):
        raise damaged from None


def _seen(response: Mapping[str, Any]) -> Seen:
    headers = {str(name): str(values[0]) for name, values in response["headers"].items()}
    return Seen.of(int(response["status"]["code"]), headers, str(response["body"]["string"]))

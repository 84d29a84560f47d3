"""The folder is written whole or not at all, replaces only what is its own, and is read with its damages told."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import yaml

from ac_tools.recording import FolderError, LeakError, Tour, record, seen_in
from ac_tools.recording import _record as recording
from ac_tools.recording._folder import MARK, replacing, texts
from ac_tools.recording._leaks import check
from ac_tools.recording._scrub import Scrubber


def files(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted(folder.iterdir())}


def test_each_area_has_a_file_with_its_steps_in_order(account, recorded):
    """A file is plain YAML in the form of vcrpy, with the names of its steps, and readable by others."""
    folder = recorded(account)
    for path in folder.iterdir():
        cassette = yaml.safe_load(path.read_text())
        assert path.read_text().startswith(MARK)
        assert cassette["version"] == 1
        assert sum(step["interactions"] for step in cassette["steps"]) == len(cassette["interactions"])
    assert os.stat(folder).st_mode & 0o777 == 0o777 & ~_umask()
    assert [path.name for path in folder.parent.iterdir()] == ["recorded"]


def _umask() -> int:
    umask = os.umask(0)
    os.umask(umask)
    return umask


def test_an_earlier_recording_is_replaced_whole(account, recorded):
    """A second recording without writes leaves nothing of the first one."""
    first = files(recorded(account))
    second = files(recorded(account, writes=False))
    assert "a new tag" in first["tags.yaml"]
    assert "a new tag" not in second["tags.yaml"]


@pytest.mark.parametrize("name", ["notes.txt", "contacts.yaml", "other.yaml", ".hidden"])
def test_a_folder_with_anything_else_is_left_alone(account, tmp_path, name):
    """A file that is not the recorder's own is never lost; it is named, and nothing is sent."""
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / name).write_text("mine")
    with pytest.raises(FolderError, match="Choose a new folder"):
        record(account, Tour(account), folder)
    assert files(folder) == {name: "mine"}
    assert account.simulator.requests == []


def test_a_link_is_not_taken_for_a_file_of_its_own(tmp_path):
    """What a link points to stays what it is."""
    (tmp_path / "elsewhere.yaml").write_text(f"{MARK}\n")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "tags.yaml").symlink_to(tmp_path / "elsewhere.yaml")
    with pytest.raises(FolderError), replacing(tmp_path / "mine"):
        pass


def test_a_file_in_the_place_of_the_folder_is_told(tmp_path):
    """A file is no folder, and is not touched."""
    (tmp_path / "mine").write_text("x")
    with pytest.raises(FolderError, match="is a file"), replacing(tmp_path / "mine"):
        pass
    with pytest.raises(FolderError, match="cannot be written"), replacing(tmp_path / "not" / "there"):
        pass


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError, LeakError])
def test_whatever_stops_it_the_folder_is_as_it_was(account, recorded, monkeypatch, error):
    """An interruption while files are written changes neither the folder nor what is beside it."""
    folder = recorded(account)
    before = files(folder)
    monkeypatch.setattr(recording, "check", lambda *_: (_ for _ in ()).throw(error))
    with pytest.raises(error):
        recorded(account)
    assert files(folder) == before
    assert [path.name for path in folder.parent.iterdir()] == ["recorded"]


def test_an_interruption_of_the_last_move_puts_the_old_folder_back(account, recorded, monkeypatch):
    """Between the two renames the earlier recording is not lost."""
    folder = recorded(account)
    before = files(folder)
    real = Path.rename

    def rename(self: Path, target: Any) -> Any:
        if target == folder and not self.name.endswith("-old"):
            raise KeyboardInterrupt
        return real(self, target)

    monkeypatch.setattr(Path, "rename", rename)
    with pytest.raises(KeyboardInterrupt):
        recorded(account)
    assert files(folder) == before


def test_nothing_private_of_an_account_is_in_its_files(account, recorded):
    """No name, address, phone, note, company or title of the believable account is in what was recorded."""
    store = account.simulator._store
    text = "".join(files(recorded(account)).values()).casefold()
    for row in store.contacts:
        assert row.email.casefold() not in text
        for name in (row.phone, row.last_name):
            assert not name or f'"{name.casefold()}"' not in text
    for table, column in ((store.accounts, "name"), (store.deals, "title"), (store.tags, "tag"), (store.lists, "name")):
        for row in table:
            assert f'"{getattr(row, column).casefold()}"' not in text, getattr(row, column)
    assert account.simulator.key not in text
    assert account.host not in text


def test_no_word_of_a_cassette_keeps_anybody_from_recording(account):
    """Whatever word stands in the files, a tag or a person of this name is not taken for a leak."""
    tour = Tour(account, writes=True, by="anna")
    played = tour.play()
    scrubber = Scrubber(account.host, "some-key", secret=b"x", own=tour.sent)
    written = texts(played, scrubber)
    found = {word for text in written.values() for word in re.findall(r"\b[^\W\d_]{2,}\b", unquote(text))}
    scrubber.json({"firstName": sorted(found)})
    check(written, scrubber, account.host)


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[: len(text) // 2] + "\n  {{",
        lambda text: MARK + "\n",
        lambda text: MARK + "\nsteps: 3\n",
        lambda text: MARK + "\nsteps: [{name: x, interactions: 4}]\ninteractions: []\n",
        lambda text: MARK + "\nsteps: [{name: x, interactions: 1}]\ninteractions: [{response: {status: {code: x}}}]\n",
        lambda text: text.replace("200", "many", 1),
        lambda text: MARK + "\n\x00",
        lambda text: MARK + "\n!!python/object:os.system x",
    ],
)
def test_a_damaged_file_is_named(account, recorded, damage):
    """Whatever has become of a cassette, the error names it and says what to do."""
    folder = recorded(account, writes=False)
    path = folder / "tags.yaml"
    path.write_text(damage(path.read_text()))
    with pytest.raises(FolderError, match=r"tags\.yaml is damaged"):
        seen_in(folder)


def test_a_folder_without_cassettes_of_ours_is_told(tmp_path):
    """Other cassettes, no folder and an empty one are each told in words."""
    with pytest.raises(FolderError, match="There is no folder"):
        seen_in(tmp_path / "none")
    with pytest.raises(FolderError, match="no cassette of ac-tools record"):
        seen_in(tmp_path)
    (tmp_path / "tags.yaml").write_text("version: 1\ninteractions: []\n")
    with pytest.raises(FolderError, match="no cassette of ac-tools record"):
        seen_in(tmp_path)

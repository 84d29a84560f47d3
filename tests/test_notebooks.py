"""The notebooks do what they show: run from top to bottom they fail nowhere, and give what is stored in them.

`python tests/test_notebooks.py` runs them and stores what they give.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).resolve().parents[1] / "examples" / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
NEEDED = ("nbclient", "ipykernel", "matplotlib", "langchain")
CHANGING = (
    (re.compile(r"\b[0-9a-f]{10}\b"), "ENTRY"),
    (re.compile(r"\b\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?"), "TIME"),
)
"""What is another one in each run: the names of entries, and when they began."""


def executed(path: Path) -> Any:
    """The notebook, run in a kernel of its own; it raises where a cell does."""
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        cell.get("outputs", []).clear()
    NotebookClient(notebook, kernel_name="python3", timeout=60, record_timing=False, coalesce_streams=True).execute()
    return notebook


def shown(notebook: Any) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Each code cell and what it shows a reader, but for what changes; of pictures, that there is one."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            yield cell.source, [_steady(output) for output in cell.outputs if output.get("name") != "stderr"]


def _steady(output: Any) -> tuple[str, str]:
    data = output.get("data", {"text": output.get("text", "")})
    kind = next(kind for kind in ("image/png", "text/html", "text/plain", "text") if kind in data)
    text = "a picture" if kind == "image/png" else data[kind]
    for pattern, name in CHANGING:
        text = pattern.sub(name, text)
    return kind, text


@pytest.fixture
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel writes its files where nobody else's are, and works in an empty folder."""
    for name in ("JUPYTER_RUNTIME_DIR", "IPYTHONDIR"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
@pytest.mark.usefixtures("_own_folders")
def test_it_gives_what_is_stored(path: Path) -> None:
    """A notebook runs from top to bottom, its own assertions hold, and what it shows is what is stored in it."""
    missing = [module for module in NEEDED if find_spec(module) is None]
    if missing and os.environ.get("AC_REQUIRE_ALL") != "1":
        pytest.skip(f"{', '.join(missing)} is not installed (the extra 'notebooks' brings it)")
    import nbformat

    stored = dict(shown(nbformat.read(path, as_version=4)))
    for source, now in shown(executed(path)):
        assert now == stored[source], source


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_nothing_of_a_machine_is_stored(path: Path) -> None:
    """No path, no error and nothing of a kernel's own is stored; a notebook stays small."""
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"/(?:home|tmp|work|usr|root|Users)/", text)
    assert '"output_type": "error"' not in text
    assert '"execution": {' not in text
    assert '"version": "3.' not in text
    assert len(text) < 400_000


def test_there_are_notebooks() -> None:
    """They are where the README says."""
    assert [path.stem[:2] for path in NOTEBOOKS] == ["01", "02", "03", "04"]


def store(path: Path) -> None:
    """Run a notebook, and store what it gives without what only its kernel says."""
    import nbformat

    notebook = executed(path)
    notebook.metadata.language_info = {"name": "python"}
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
            for data in (output.data for output in cell.outputs if "text/html" in output.get("data", ())):
                del data["text/plain"]  # a repr that nobody sees, and another one each time
    nbformat.write(notebook, path)


if __name__ == "__main__":
    for each in [FOLDER / f"{name}.ipynb" for name in sys.argv[1:]] or NOTEBOOKS:
        store(each)

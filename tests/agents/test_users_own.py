"""The test of a user's own agent, as the document has it, is run as it stands."""

from __future__ import annotations

import re
from pathlib import Path

DOCUMENT = (Path(__file__).parents[2] / "docs" / "testing.md").read_text(encoding="utf-8")
THEIRS = re.findall(r"<!-- test -->\n```python\n(.*?)```\n<!-- /test -->", DOCUMENT, re.DOTALL)[0]

exec(THEIRS)  # pytest finds the test and the plugin that it asks for, as in a module of theirs


def test_it_is_short():
    """A user's first test has at most fifteen lines, and needs nothing of ours but what is public."""
    assert len([line for line in THEIRS.splitlines() if line.strip()]) <= 15
    assert not re.search(r"[. ]_\w", THEIRS)


def test_the_document_names_what_there_is():
    """Each name of the document's table is there, and everything public is in it."""
    from ac_tools import testing
    from ac_tools.testing import fixtures

    named = set(re.findall(r"\b(?:ac_(?:account|approver|toolkit)|[A-Za-z]+_[a-z]+|[A-Z]\w+|calling)\b", DOCUMENT))
    assert set(testing.__all__) - {"Turn"} <= named
    assert {name for name in vars(fixtures) if name.startswith("ac_")} <= named

"""The table of inverses: how each write is taken back, or why it cannot be."""

from __future__ import annotations

from collections.abc import Mapping

from ac_tools.tools._tables import name_of
from ac_tools.undo._inverses_people import PEOPLE
from ac_tools.undo._inverses_records import RECORDS
from ac_tools.undo._inverses_ties import TIES
from ac_tools.undo._past import Inverse
from ac_tools.undo._removals import REMOVALS

INVERSES: Mapping[str, Inverse | str] = {
    **PEOPLE,
    **RECORDS,
    **TIES,
    "ac_import_contacts": (
        "an import writes to many people at once, some of whom were known before, and nothing tells what they had; "
        "find them by the tag or the list that it gave them, and correct or delete them one by one"
    ),
    "ac_create_campaign": (
        "the account answers with success whether it has deleted a draft or not (documented); "
        "it was sent to nobody, so delete it in the app"
    ),
    **{name_of(tool): "what was deleted held nothing; create it anew, and it gets another id" for tool in REMOVALS},
}
"""Tool name -> how its writes are taken back; a text where they cannot be: why not, and what to do instead."""

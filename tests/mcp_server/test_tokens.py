"""Bearer tokens, and the persons in whose name their holders approve."""

from __future__ import annotations

import pytest

from ac_tools.mcp_server import Tokens

OLD, NEW = "old-0123456789-0123456789", "new-0123456789-0123456789"


async def test_rotation() -> None:
    """Two tokens of one person work beside each other, and are the same person."""
    tokens = Tokens.read(f"# made in May\nHannah Berg: {OLD}\n\nHannah Berg:{NEW}\n")
    for token in (OLD, NEW):
        found = await tokens.verify_token(token)
        assert found
        assert found.client_id == "Hannah Berg"
        assert token not in repr(found)
    assert await tokens.verify_token("other") is None
    assert repr(tokens) == "Tokens(Hannah Berg)"


async def test_a_token_without_a_name_is_the_approvers() -> None:
    """A bare token belongs to whom --approver-name names; where that names nobody, it is an error."""
    found = await Tokens.read(OLD, person="Anna").verify_token(OLD)
    assert found
    assert found.client_id == "Anna"
    with pytest.raises(ValueError, match="Whose is token 1"):
        Tokens.read(OLD)


@pytest.mark.parametrize("text", ["", "# none\n", "Hannah:short", "Hannah:with a space in the middle of it", "Hannah:"])
def test_what_is_no_token(text: str) -> None:
    """No tokens, and tokens that can be guessed, are errors that say how to make one and show none."""
    with pytest.raises(ValueError, match="Make one: python -c") as error:
        Tokens.read(text)
    assert "short" not in str(error.value)


def test_a_token_is_one_persons() -> None:
    """Two people with one token would be told from each other by nothing: an approval has one name."""
    with pytest.raises(ValueError, match="Token 2 is another person's") as error:
        Tokens.read(f"Alice:{OLD},Bob:{OLD}")
    assert OLD not in str(error.value)
    assert Tokens.read(f"Alice:{OLD},Alice:{OLD}")

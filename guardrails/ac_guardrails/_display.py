"""What a notebook shows at the end of a cell."""

from __future__ import annotations


class Displayed:
    """Something that notebooks show as more than its repr. How it looks is imported when somebody looks."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        from ac_guardrails._html import html_of

        return html_of(self)

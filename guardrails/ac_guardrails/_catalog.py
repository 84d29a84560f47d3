"""The catalog: the areas, tools, levels and nouns that a product brings to the guard."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from importlib.metadata import entry_points


class Level(IntEnum):
    """How far an agent may go in an area. Each level includes the ones below it."""

    OFF = 0
    READ = 1
    WRITE = 2
    FULL = 3

    def __str__(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Need:
    """One grant that an action needs: at least this level in this area."""

    area: str
    level: Level

    def __str__(self) -> str:
        return f"{self.area}: {self.level}"


@dataclass(frozen=True, slots=True)
class CatalogTool:
    """What the guard knows of a tool before it is called: its name, and the least that calling it needs."""

    name: str
    need: Need


@dataclass(frozen=True)
class Catalog:
    """What grants may speak of. A product publishes one under the entry point group `ac_guardrails.catalogs`.

    Args:
        name: The product's name.
        areas: The areas that can be granted.
        tools: The product's tools, each with the least that it needs.
        nouns: For each noun that `only` may name, the area whose grant it narrows, such as {"list": "lists"}. The noun
            "domain" means the domains of addresses, which the guard compares by itself.
        amounts: The areas whose actions tell in `touches` an "amount" and a "currency", each with the number of parts
            that it counts to a unit of the currency: {"deals": 100} for cents.
        inner: What no agent is given and no grant can name, because only the product itself calls it, for an agent
            whose grants reach it: to take a write back.
        further: The areas that few agents are ever given; tables leave them out where nobody has them.
        beyond: Tools that grants may name although the product does not bring them: a server of its maker's does.
    """

    name: str
    areas: tuple[str, ...]
    tools: tuple[CatalogTool, ...] = ()
    nouns: Mapping[str, str] = field(default_factory=dict)
    amounts: Mapping[str, int] = field(default_factory=dict)
    inner: tuple[CatalogTool, ...] = ()
    further: tuple[str, ...] = ()
    beyond: tuple[CatalogTool, ...] = ()

    @property
    def named(self) -> tuple[CatalogTool, ...]:
        """Every tool that grants may name."""
        return (*self.tools, *self.beyond)

    def opened(self, area: str, level: Level) -> tuple[str, ...]:
        """The tools that this level opens in this area."""
        return tuple(tool.name for tool in self.tools if tool.need.area == area and tool.need.level <= level)

    def least_level(self, area: str) -> Level | None:
        """The lowest level that opens any tool in this area; None where the area has no tools."""
        levels = [tool.need.level for tool in self.tools if tool.need.area == area]
        return min(levels, default=None)

    def nouns_of(self, area: str) -> tuple[str, ...]:
        """The nouns that `only` may name under this area."""
        return tuple(noun for noun, owner in self.nouns.items() if owner == area)

    def joined(self, other: Catalog) -> Catalog:
        """Both catalogs as one."""
        return Catalog(
            name=f"{self.name}, {other.name}",
            areas=self.areas + tuple(area for area in other.areas if area not in self.areas),
            tools=self.tools + other.tools,
            nouns={**self.nouns, **other.nouns},
            amounts={**self.amounts, **other.amounts},
            inner=self.inner + other.inner,
            further=self.further + other.further,
            beyond=self.beyond + other.beyond,
        )

    @staticmethod
    def installed() -> Catalog:
        """The catalogs of all installed products, as one.

        Raises:
            LookupError: No installed product publishes a catalog, so no grant can be checked.
        """
        found = [entry.load() for entry in entry_points(group="ac_guardrails.catalogs")]
        if not found:
            raise LookupError(
                "No installed package publishes a catalog under the entry point group 'ac_guardrails.catalogs'. "
                "Install the product's package, or pass catalog=."
            )
        catalog: Catalog = found[0]
        for other in found[1:]:
            catalog = catalog.joined(other)
        return catalog

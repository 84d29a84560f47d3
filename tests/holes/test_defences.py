"""Each test of a hole fails once its defence is taken out: none of them passes by accident."""

from __future__ import annotations

import asyncio
import inspect
import itertools
import sys
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

HERE = Path(__file__).parent
FILES = sorted(path.stem for path in HERE.glob("test_*.py") if path.stem != Path(__file__).stem)


def load(name: str, path: Path) -> ModuleType:
    """Import a file by its path: tests are no package."""
    spec = spec_from_file_location(name, path, submodule_search_locations=[str(path.parent)])
    assert spec is not None
    assert spec.loader is not None
    sys.modules[name] = module_from_spec(spec)
    spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


load("hole_removals", HERE / "removals" / "__init__.py")
REMOVALS = [
    removal
    for name in ("gate", "account", "leaks", "processes", "once", "graph", "people")
    for removal in import_module(f"hole_removals.{name}").REMOVALS
]
TESTS = {
    f"{file}.{name}": test
    for file in FILES
    for name, test in vars(load(f"holes_{file}", HERE / f"{file}.py")).items()
    if name.startswith("test_row_")
}


def variants(test: Any) -> dict[str, dict[str, Any]]:
    """The parametrized arguments of a test by their id; one without arguments where it has none."""
    axes = []
    for mark in getattr(test, "pytestmark", []):
        names = [name.strip() for name in mark.args[0].split(",")] if isinstance(mark.args[0], str) else mark.args[0]
        ids = mark.kwargs.get("ids") or [None] * len(list(mark.args[1]))
        rows = [value if len(names) > 1 else (value,) for value in mark.args[1]]
        axes.append(
            [(given or shown(row), dict(zip(names, row, strict=True))) for given, row in zip(ids, rows, strict=True)]
        )
    made = {}
    for choice in itertools.product(*axes):
        arguments: dict[str, Any] = {}
        for _, some in choice:
            arguments |= some
        made["-".join(name for name, _ in choice)] = arguments
    return made


def shown(row: tuple[Any, ...]) -> str:
    return "-".join(str(value)[:40] for value in row)


def chosen(removal: Any) -> dict[str, dict[str, Any]]:
    """The variants that a removal speaks of: those named, or all, or all but those named."""
    found = variants(TESTS[removal.test])
    if not removal.variants:
        return found
    first = removal.variants[0]
    if first.startswith("all but "):
        left_out = first.removeprefix("all but ").split(", ")
        return {name: arguments for name, arguments in found.items() if name not in left_out}
    return {name: found[name] for name in removal.variants}


CASES = [
    pytest.param(
        removal,
        arguments,
        id=f"{removal.test.partition('.')[2]}[{name}]-without-{removal.what}".replace(" ", "-"),
        marks=pytest.mark.long,
    )
    for removal in REMOVALS
    for name, arguments in chosen(removal).items()
]


def test_every_variant_of_every_hole_has_a_removal():
    """No test of a hole, and no variant of one, goes unproven."""
    proven = {(removal.test, name) for removal in REMOVALS for name in chosen(removal)}
    assert {(test, name) for test in TESTS for name in variants(TESTS[test])} == proven


@pytest.mark.parametrize(("removal", "arguments"), CASES)
def test_the_hole_is_open_without_its_defence(removal, arguments, request, monkeypatch):
    """With its defence taken out, the test of a hole fails, and by its own assertion."""
    test = TESTS[removal.test]
    removal.patch(monkeypatch)
    fixtures = [name for name in inspect.signature(test).parameters if name not in arguments]
    given = {**arguments, **{name: request.getfixturevalue(name) for name in fixtures}}
    with pytest.raises((AssertionError, pytest.fail.Exception)) as failure:
        asyncio.run(test(**given)) if inspect.iscoroutinefunction(test) else test(**given)
    if failure.type is AssertionError:
        assert HERE in Path(failure.traceback[-1].path).parents, "it was not the hole's own assertion that failed"

"""What is counted as stored is what the engine does not make again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fer_tui.contract import Place
from fer_tui.engine import Engine, Settings, open_session
from fer_tui.engine.counting import count_stored
from fer_tui.engine.messages import CountStored, Places, Variant


@pytest.fixture
def engine(tmp_path: Path) -> Any:
    with open_session(Settings(device="cpu", cache=str(tmp_path))) as session:
        yield session.engine()


def counts(engine: Engine, variants: list[Variant], places: Places) -> dict[int, tuple[int, int, int]]:
    """(places, looked at, found) of each variant at the end."""
    told = list(count_stored(engine, CountStored(7, tuple(variants), places)))
    assert all(each.job == 7 and each.found <= each.looked <= each.places for each in told)
    return {each.variant: (each.places, each.looked, each.found) for each in told}


def variant(engine: Engine, method: str, **given: Any) -> Variant:
    description = engine.described(method)
    return Variant(method, {info.name: given.get(info.name, info.default) for info in description.parameters})


def test_what_was_made_is_counted(engine: Engine) -> None:
    rows, many = tuple(range(300)), (3,) * 300
    usual, other = variant(engine, "saliency"), variant(engine, "saliency", variant="input-x-gradient")
    layered, layer = variant(engine, "cam"), next(each.name for each in engine.classifier.layers if each.filters)
    assert counts(engine, [usual], Places(rows, many)) == {0: (300, 300, 0)}
    for row in (5, 299):
        list(engine.explain("saliency", Place(row, 3)))
    list(engine.explain("saliency", Place(7, 2)))
    list(engine.explain("cam", Place(5, 3, layer=layer)))
    found = counts(engine, [usual, other, layered], Places(rows, many))
    assert found == {0: (300, 300, 2), 1: (300, 300, 0), 2: (300, 300, 0)}
    assert counts(engine, [layered], Places(rows, many, layer)) == {0: (300, 300, 1)}
    assert counts(engine, [usual], Places((5, 7, 8), (3, 2, -1))) == {0: (2, 2, 2)}, "an unknown class is left out"


def test_places_that_a_method_does_not_tell_apart_are_one(engine: Engine) -> None:
    """A layer's filters do not hang on the image."""
    filters = variant(engine, "filter-ascent")
    ((_, (places, _, _)),) = counts(engine, [filters], Places((1, 2, 3), (0, 0, 0))).items()
    assert places == 1

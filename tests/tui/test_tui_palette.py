"""The command palette: what letters mean, and that what is chosen is done."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from fer_tui.engine.settings import Settings
from fer_tui.tui.bindings import bindings_of, key_name
from fer_tui.tui.desk import Desk
from fer_tui.tui.palette import Found, offers, search
from fer_tui.tui.screens.classes import ClassesScreen
from fer_tui.tui.screens.finding import Palette

Opened = Callable[..., AbstractAsyncContextManager[Any]]


@pytest.fixture
def known() -> list[Any]:
    return offers(Desk(None, lambda change: None), bindings_of("x"))


def meant(query: str, known: list[Any]) -> list[tuple[str, int | None]]:
    return [(found.offer.name, found.count) for found in search(query, known)]


def test_every_action_is_offered_with_its_keys(known: list[Any]) -> None:
    by_name = {each.name: each for each in known}
    for binding in bindings_of("x"):
        if binding.id != "palette":
            offer = by_name[binding.id.replace("-", " ")]
            assert offer.keys == " ".join(map(key_name, binding.keys)) and offer.told == binding.help
            assert offer.do(7).binding is binding and offer.do(7).count == 7


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("image 412", ("image", 412)),
        ("412", ("image", 412)),
        ("narrow", ("narrow", None)),
        ("nmst", ("next mistake", None)),
        ("mistake next", ("next mistake", None)),
        ("down 5", ("down", 5)),
        ("magma", ("colours magma", None)),
        ("OPAQUE", ("more", None)),
        ("shape", None),
        ("zzz", None),
        ("redraw 5", None),
    ],
)
def test_letters_mean_what_they_begin(query: str, first: tuple[str, int | None] | None, known: list[Any]) -> None:
    found = meant(query, known)
    assert (found[0] if found else None) == first


def test_nothing_typed_offers_all_in_order(known: list[Any]) -> None:
    assert [found.offer for found in search("  ", known)] == known
    assert search("", known)[0] == Found(known[0])


async def test_what_is_chosen_is_done(opened: Opened, samples: Settings) -> None:
    async with opened(samples) as sight:
        await sight.explained()
        await sight.type(":")
        assert isinstance(sight.app.screen, Palette)
        assert "▸ image" in sight.text() and "go to the image of that number" in sight.text()
        await sight.type("nextmis")
        assert re.search(r"▸ next mistake +next mistake +n ", sight.text())
        await sight.type("{ctrl+u}image 41{enter}")
        assert sight.browser.row == 41
        await sight.type(":target sad{enter}")
        await sight.explained()
        assert sight.browser.classes[sight.answered.place.target] == "sad"
        await sight.type(":gradient sq{enter}")  # no such thing: the popup stays
        assert isinstance(sight.app.screen, Palette) and "nothing is called that" in sight.text()
        await sight.type("{escape}:smoothgrad{enter}")
        assert sight.app.desk.choice.given["saliency"]
        await sight.explained()
        await sight.type(":jet{enter}")
        assert sight.app.desk.look.colours == "jet" and "jet" in sight.text("#caption")
        await sight.type(":do{tab}3{enter}")
        assert sight.browser.row == 44
        await sight.type(":{down}{down}{up}{enter}")
        assert sight.browser.row == 45
        await sight.type(":classes{enter}")
        assert isinstance(sight.app.screen, ClassesScreen)
        await sight.type("{ctrl+p}explore{enter}H")
        assert isinstance(sight.app.screen, ClassesScreen)
        await sight.pilot.resize_terminal(60, 16)
        await sight.type(":")
        assert "▸ image" in sight.text()
        await sight.type("{escape}")
        assert isinstance(sight.app.screen, ClassesScreen)

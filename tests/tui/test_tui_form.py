"""The form of a method's parameters: pure, and in the explorer as a user fills it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from typing import Any

import pytest

from fer_tui.contract import ParameterInfo, Parameters, parameter
from fer_tui.contract.parameters import parameter_infos
from fer_tui.engine.settings import Default, Settings
from fer_tui.tui.form import bounds, stepped

Opened = Callable[..., AbstractAsyncContextManager[Any]]


def number(kind: Any, value: Any, low: float | None = None, high: float | None = None) -> ParameterInfo:
    return ParameterInfo("n", kind, value, low=low, high=high)


@pytest.mark.parametrize(
    ("info", "steps", "expected"),
    [
        (number("int", 7), 1, 8),
        (number("int", 50), 1, 51),
        (number("int", 1000), 2, 1200),
        (number("int", 1, low=1), -1, 1),
        (number("int", 99_900, high=100_000), 1, 100_000),
        (number("float", 0.15), 1, 0.16),
        (number("float", 0.15), -3, 0.12),
        (number("float", 0.0), 1, 0.01),
        (number("float", 0.98, high=1), 5, 1.0),
        (number("bool", False), 1, True),
        (ParameterInfo("n", "str", "b", choices=("a", "b")), 1, "a"),
    ],
)
def test_steps(info: ParameterInfo, steps: int, expected: object) -> None:
    assert stepped(info, info.default, steps) == expected
    assert type(stepped(info, info.default, steps)) is type(expected)


def test_bounds_are_told() -> None:
    assert bounds(ParameterInfo("n", "float", 1.0, unit="px", low=0, high=50)) == "from 0 to 50 px"
    assert bounds(ParameterInfo("n", "int", 1)) == "any number"
    assert bounds(ParameterInfo("n", "str", "b", choices=("a", "b"))) == "a, b"


def test_what_has_an_effect_is_declared_and_travels() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Some(Parameters):
        way: str = parameter("a", "", choices=("a", "b"))
        much: float = parameter(1.0, "", where={"way": ("b",)})

    infos = [ParameterInfo.from_dict(info.to_dict()) for info in parameter_infos(Some)]
    assert [info.applies({"way": "a"}) for info in infos] == [True, False, True]
    assert all(info.applies({"way": "b"}) for info in infos)


async def test_a_user_fills_the_form(opened: Opened, samples: Settings) -> None:
    async with opened(samples) as sight:
        await sight.predicted()
        await sight.explained()
        choice = sight.app.desk.choice

        def value(name: str) -> object:
            return choice.parameters(choice.method)[name]

        def line(name: str) -> str:
            return next(each for each in sight.text("#form").splitlines() if each[2:].startswith(f"{name} "))

        def explained_by(**wanted: object) -> bool:
            request = sight.answered.request
            return sight.answered.final and all(request.parameters[name] == at for name, at in wanted.items())

        await sight.type("p")
        assert line("preset").split() == ["▸", "preset", "‹", "gradient", "›"]
        for info in choice.method.parameters:
            assert line(info.name)
        await sight.type("jl")  # the next variant, explained at once behind the form
        await sight.until(lambda: explained_by(variant="input-x-gradient"), "the other variant")
        assert "‹ input-x-gradient ›" in line("variant") and sight.browser.row == 0
        await sight.type("l")
        await sight.until(lambda: explained_by(variant="integrated"), "integrated gradients")
        await sight.type("4j7")
        assert "4" not in str(value("steps")), "no count in the form"
        while "▸" not in line("steps"):
            await sight.type("j")
        await sight.type("0")
        await sight.until(lambda: "✗ 0 is outside 1 to 1000" in sight.text("#form"), "what is wrong")
        assert value("steps") == 50, "and it is not used"
        await sight.type("{backspace}7")
        await sight.until(lambda: explained_by(steps=7), "what was typed, with no Enter")
        await sight.type("{enter}l")
        await sight.until(lambda: explained_by(steps=8), "a step more")
        await sight.type("r")
        await sight.until(lambda: explained_by(steps=50, variant="integrated"), "the default")
        await sight.type("Rg")
        await sight.until(lambda: explained_by(variant="gradient"), "all defaults")
        await sight.type("h")
        assert value("variant") != "gradient" and "variant" in choice.given["saliency"]
        await sight.type("R{escape}j")
        assert not sight.app.explore.query("#form") and sight.browser.row == 1
        for size in ((80, 24), (60, 24)):
            await sight.pilot.resize_terminal(*size)
            await sight.type("p")
            assert (
                sight.app.explore.query_one("#form").region.area and sight.app.explore.query_one("#picture").region.area
            )
            await sight.type("p")


async def test_the_configuration_gives_the_defaults(opened: Opened, samples: Settings) -> None:
    """They are in use from the start, reset goes back to them, the form says where they stand, `y` names them."""
    given = {"variant": "input-x-gradient", "steps": 7, "samples": 0}
    defaults = {name: Default(value, f"/home/me/fer-tui.toml:{n}") for n, (name, value) in enumerate(given.items(), 2)}
    settings = replace(
        samples, parameters={"saliency": defaults}, colours={"saliency": Default("gray", "fer-tui.toml:9")}
    )
    async with opened(settings) as sight:
        await sight.predicted()
        await sight.explained()
        desk = sight.app.desk
        assert "fer-tui.toml:4: [parameters.saliency] samples: 0 is outside" in sight.text("#status")
        assert desk.look.colours_of(sight.explanation) == "gray"

        def used() -> tuple[object, object, object]:
            values = sight.answered.request.parameters
            return values["variant"], values["steps"], values["samples"]

        def copied() -> list[str]:
            words = desk.command(sight.answered.request, sight.answered.place).split()
            return [words[at + 1] for at, word in enumerate(words) if word == "-p"]

        assert used() == ("input-x-gradient", 7, 25), "what is no value is left out, and said"
        assert copied() == ["variant=input-x-gradient", "steps=7"]
        await sight.type("pj")
        shown = "".join(sight.text("#form").split())
        assert "defaultinput-x-gradient(fer-tui.toml:2;builtingradient)" in shown
        await sight.type("h")
        await sight.until(lambda: used()[0] == "gradient", "the variant before it")
        assert copied() == ["variant=gradient", "steps=7"], "the built-in default, against the configuration's"
        assert desk.choice.given == {"saliency": {"variant": "gradient"}}
        await sight.type("R")
        await sight.until(lambda: used() == ("input-x-gradient", 7, 25), "the user's defaults again")
        assert desk.choice.given == {}

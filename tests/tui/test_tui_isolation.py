"""Every fault of an explainer by others shows its one line on the screen, and the explorer goes on: one session."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest

from fer_tui import plugins
from fer_tui.engine.settings import Settings
from fer_tui.oversight import Faults

Opened = Callable[..., AbstractAsyncContextManager[Any]]
KIT = (Path(__file__).parent.parent / "isolation" / "roguekit.py").read_text("utf-8")
BY = " (roguekit 1.0): "

STOPS = {  # in place of the explanation
    "constructor": r"ValueError: no instance\x1b[2J of it",
    "middle": r"RuntimeError: in the\nmiddle",
    "leaves": "SystemExit: enough",
    "shape": "its map is 3 x 3 where the network's input is 12 x 10",
    "tensor": "ValueError: Heatmap.values must be float32 (H, W)",
    "kind": "it yielded a Gallery, no Result with a Heatmap",
    "nothing": "it yielded a dict, no Result with a Heatmap",
    "nan": "none of its 120 values is finite",
    "huge": "its heatmap has 4 GiB of arrays, at most 256 MiB may be",
    "meta": "its meta is no plain data: object is no plain data",
    "sleeps": "it gave nothing for 1 s",
    "ends": "the compute process ended with code 0",
    "stubborn": "and the compute process was ended",
}  # one that crashes is among those of test_tui_faults
GOES_ON = {  # in the line of status, beside the explanation
    "litters": "it left behind 4 hooks, training mode on",
    "spotted": "3 of its 120 values are not finite",
}
NOT_LISTED = {  # by what is told of them when explainers are listed
    "future": "it wants contract 7, this fer-tui has 1: upgrade fer-tui",
    "mute": "KeyError: 'title'",
    "odd": "describe() returned dict, no Description",
}


@pytest.fixture
def rogues(install: Callable[[str, str, dict[str, str]], None], monkeypatch: pytest.MonkeyPatch) -> None:
    known = dict(re.findall(r'^class (\w+)\(Bad\):.*?name = "(\w+)"', KIT, re.M | re.S))
    wanted = {*STOPS, *GOES_ON, *NOT_LISTED, "fine", "prints", "threads"}
    install("roguekit", KIT, {name: f"roguekit:{kind}" for kind, name in known.items() if name in wanted})
    monkeypatch.setenv("FER_TUI_PLUGIN_LIMIT", "1")


async def test_each_fault_is_one_line_on_the_screen(
    rogues: None, opened: Opened, project: Callable[..., Settings]
) -> None:
    async with opened(project(count=20), (200, 40)) as sight:
        await sight.explained()
        app, desk = sight.app, sight.app.desk
        await sight.until(lambda: "fine" in desk.project.methods, "the explainers")
        assert not NOT_LISTED.keys() & desk.project.methods.keys()
        for name, said in NOT_LISTED.items():
            assert f"{name}{BY}{said}" in desk.project.failed[name]

        async def turn_to(name: str) -> None:
            desk.choice.choose_named(name)
            app.explore.aimed()
            await sight.settle()

        for name, said in STOPS.items():
            await turn_to(name)
            await sight.until(lambda: sight.answered.fault and not desk.lost, f"the fault of {name}")
            told = " ".join(sight.text("#caption").split())
            assert f"explainer {name}{BY}" in told and said in told, told
            line = f"explainer {name}{BY}"
            assert line in sight.text() and not any(mark in sight.text() for mark in ("\x1b", "Traceback"))
            await turn_to("fine")
            await sight.explained()
        for name, said in GOES_ON.items():
            await turn_to(name)
            await sight.explained()
            line = f"explainer {name}{BY}{said}"
            await sight.until(lambda line=line: line in sight.text("#status"), f"what {name} does")  # type: ignore[misc]
            assert line[:60] in sight.text() and sight.answered.final
        await turn_to("threads")
        line = f"explainer threads{BY}it leaves threads running: 8 more after 5 runs"
        for _ in range(5):
            await sight.explained()
            await sight.type("j")
        await sight.until(lambda: desk.fault == line, "what threads does")
        await sight.type("!")  # the line of status may have gone with a key
        assert line in sight.text()
        await sight.type("{escape}")
        await turn_to("prints")
        await sight.explained()
        assert "by Python" not in sight.text() and "by C" not in sight.text()
        await turn_to("saliency")
        await sight.explained()
        lines = ["by Python\x1b[2J", "by Python, to stderr", "by the system", "by the system, to stderr", "by C"]
        assert app.compute.printed()["prints (roguekit 1.0)"].splitlines()[-5:] == lines
    known = {each.name: [(fault.what, fault.fatal) for fault in Faults.open().of(each)] for each in plugins.origins()}
    ((what, is_fatal),) = known["stubborn"]
    assert re.fullmatch(r"it gave nothing for \d s, and the compute process was ended", what) and is_fatal
    assert known["sleeps"] == [("it gave nothing for 1 s", False)] and not known["saliency"] and not known["fine"]
    assert known["middle"] == [(r"RuntimeError: in the\nmiddle", False)] and known["litters"] and known["threads"]

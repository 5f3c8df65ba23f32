"""Everything that a foreign plugin gets for free, by commands and from Python, in this process."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import fer_tui
from fer_tui.cli import main
from fer_tui.contract import InputError, Reply
from fer_tui.engine import Store
from fer_tui.picture import load

Run = Callable[..., str]


@pytest.fixture
def run(foreign: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command on the samples and gives its stdout; it must not fail."""
    monkeypatch.chdir(tmp_path)

    def command(*words: str, code: int = 0) -> str:
        assert main([*words]) == code
        shown = capsys.readouterr()
        assert "\x1b" not in shown.out
        return shown.out if code == 0 else shown.err

    return command


def test_help_parameters_and_the_map(run: Run) -> None:
    told = run("plugins", "tiles")
    for each in ("foreignkit 1.0", "tiles", "fill", "mode", "blend", "remark", "tile-size", "all-classes", "brightest"):
        assert each in told
    words = ["explain", "tiles", "--image", "3", "-p", "tiles=3", "-p", "blend=yes", "-p", "fill=.25"]
    shown = run(*words, "-p", "mode=size", "-p", "remark=be [red]ware", "-p", "seed=2")
    assert "note: be [red]ware" in shown and "the fall of the score where a tile is hidden" in shown
    assert "fall (score)" in shown and "speaks\\nagainst it" not in shown  # sizes are never below 0
    found = json.loads(run(*words, "--json"))
    assert len(found["tables"]["tiles"]["rows"]) == 9 and found["meta"]["parameters"]["blend"] is True
    assert "row  column  fall (score)" in run(*words, "--words")
    run(*words, "-o", "map.npz")
    assert load("map.npz").tables["tiles"].rows[1][1] == 1 and not list(Path().glob("*.csv"))
    run(*words, "-o", "map.png")
    with Path("map.tiles.csv").open() as file:
        rows = list(csv.reader(file))
    assert [float(row[2]) for row in rows[1:]] == pytest.approx(
        [row[2] for row in load("map.npz").tables["tiles"].rows]
    )
    run("explain", "tiles", "--where", "row<2", "-o", "out")
    for each in json.loads(Path("out", "index.json").read_text()):
        assert [Path(name).suffix for name in each["files"]] == [".png", ".npz", ".json", ".csv"]
        assert all(Path("out", name).is_file() for name in each["files"])
    assert "17 is outside 1 to 16" in run("explain", "tiles", "-p", "tiles=17", code=2)


def test_an_alias_focus_trust_check_and_similar_words(run: Run) -> None:
    assert json.loads(run("explain", "tile-size", "--image", "3", "--json"))["summary"]["min"] >= 0
    judged = json.loads(run("explain", "tiles", "--image", "3", "--trust", "-p", "tiles=2", "--json"))
    assert judged["meta"]["trust"]["verdicts"] and judged["tables"]["tiles"]["rows"]
    focus = json.loads(run("focus", "tiles", "--per-class", "2", "-p", "tiles=2", "--json"))
    assert focus["whole"]["every"]["images"] == 14
    assert "tiles" in run("check", "--methods", "tiles", "--limit", "40")
    apart = json.loads(run("explain", "tiles", "--image", "3", "--target", "sad", "--against", "fear", "--json"))
    assert apart["place"]["target_name"] == "sad"


def test_actions(run: Run) -> None:
    shown = run("explain", "tiles", "--image", "3", "--action", "all-classes")
    assert "is \\x1b[31mthe strongest" in shown and "how far each score falls" in shown and "surprise" in shown
    found = json.loads(run("explain", "tiles", "--action", "brightest", "--json"))
    assert found["kind"] == "reply" and len(found["tables"]["brightest"]["rows"]) == 5
    assert found["meta"]["action"] == "brightest"
    plain, turned = (run("explain", "tiles", "--image", "3", "-o", f"{n}.npz", *more) for n, more in (
        ("plain", ()), ("turned", ("--action", "turned"))))  # fmt: skip
    assert plain == turned == ""
    assert np.array_equal(load("plain.npz").values, -load("turned.npz").values)  # type: ignore[attr-defined]
    assert "did you mean turned" in run("explain", "tiles", "--action", "turn", code=2)
    assert "saliency has none" in run("explain", "saliency", "--action", "turn", code=2)
    assert "neither --trust" in run("explain", "tiles", "--action", "turned", "--trust", code=2)
    assert "has no picture" in run("explain", "tiles", "--image", "3", "--action", "all-classes", "-o", "a.png", code=2)


def test_from_python_and_the_store(foreign: None, tmp_path: Path) -> None:
    from fer_tui.contract import Place
    from fer_tui.engine import Engine, Settings
    from fer_tui.engine.session import open_data, open_network

    settings = Settings(device="cpu", cache=str(tmp_path))
    dataset = open_data(settings)
    classifier = open_network(settings, dataset)
    reply = fer_tui.explain("tiles", classifier, dataset[3].image, action="all-classes", tiles=2)
    assert isinstance(reply, Reply) and len(reply.tables["classes"].rows) == 7
    engine = Engine(classifier, dataset, Store.open(tmp_path))
    tasks = [engine.task("tiles", Place(3), {"tiles": 2}, action=name) for name in ("", "all-classes", "turned")]
    assert len({task.key() for task in tasks}) == 3
    for task in tasks:
        made = list(engine.run(task))
        again = list(engine.run(task))
        assert len(made) > len(again) == 1 and dict(again[0].explanation.tables) == dict(made[-1].explanation.tables)
    with pytest.raises(InputError, match="cannot be judged"):
        list(engine.judge(tasks[2]))
    endless = engine.run(engine.task("tiles", Place(3), {}, action="endless"))
    assert next(endless).progress == 0.25
    endless.close()
    with pytest.raises(InputError, match="no such action"):
        engine.task("tiles", Place(3), {}, action="none")

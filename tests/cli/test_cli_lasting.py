"""What explain says of a long explanation: what it makes, how long that takes, how to ask for less."""

from __future__ import annotations

import json
import time

import numpy as np
import pytest

from fer_tui import plugins
from fer_tui.cli import main
from fer_tui.cli.lasting import Lasting
from fer_tui.contract import Gallery, Place, Result, parse_parameters

GALLERY = Gallery(
    images=np.zeros((12, 4, 4), np.float32),
    captions=("",) * 12,
    scores=np.zeros(12, np.float32),
    meta={"layer": "features.3"},
)


def lasting(place: Place) -> tuple[Lasting, float]:
    description = plugins.description(plugins.load("filter-ascent"))
    values = parse_parameters(description.name, description.parameters, {"steps": 40})
    return Lasting(description, values, place), time.monotonic()


def test_a_long_one_is_told_once_with_what_takes_less() -> None:
    told, now = lasting(Place())
    results = [Result(Place(), GALLERY, final=False, progress=share) for share in (0.01, 0.02, 0.04, 0.1)]
    lines = [told(result, now + at) for result, at in zip(results, (30.0, 31.0, 36.0, 50.0), strict=True)]
    assert lines == [
        "",
        "",  # too soon to tell
        "filter-ascent: pictures of all filters of features.3, 12: about 3 min left; "  # 6 s for 3 %; not the first 30
        "for less: --layer L --filter F for one filter, -p steps=N (now 40)",
        "",
    ]


def test_a_short_one_is_not_told() -> None:
    told, now = lasting(Place())
    results = [Result(Place(), GALLERY, final=False, progress=share) for share in (0.1, 0.6)]
    assert [told(result, now + at) for result, at in zip(results, (1.0, 6.0), strict=True)] == ["", ""]


def test_one_filter_is_not_told_to_take_one() -> None:
    told, now = lasting(Place(layer="features.3", filter=3))
    for share, at in ((0.01, 1.0), (0.02, 4.0)):
        line = told(Result(Place(), GALLERY, final=False, progress=share), now + at)
    assert line == "filter-ascent: about 5 min left; for less: -p steps=N (now 40)"


@pytest.mark.usefixtures("folder")
def test_the_bar_of_many_rows_is_one(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("FER_TUI_PROGRESS", "json")
    assert main(["explain", "saliency", "--where", "true:fear", "--cache", "none"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines() if line.startswith("{")]
    rows = [each for each in lines if each["doing"].startswith("saliency, row ")]
    assert len(rows) > 1
    assert all(each["whole"] for each in rows)
    assert rows[-1]["share"] == 1

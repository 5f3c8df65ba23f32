"""Explainers by others in a batch: found again by the explorer's engine; what breaks on one row sets that row aside."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fer_tui.cli import main
from fer_tui.contract import Heatmap, Place
from fer_tui.engine import Engine, Settings, Store, open_session

ROWS = 12
SOUR = """
import os
import numpy as np
from dataclasses import dataclass
from fer_tui.contract import Axis, Explainer, Heatmap, Parameters, Result, parameter


@dataclass(frozen=True, kw_only=True)
class SourParameters(Parameters):
    how: str = parameter("raises", "what it does at row 5", choices=("raises", "dies"))


class Sour(Explainer[SourParameters]):
    name = title = help = "sour"
    version, kind = "1", "heatmap"
    axes = frozenset({Axis.IMAGE, Axis.CHECKPOINT})
    Parameters = SourParameters

    def explain(self, subject, parameters):
        if subject.place.image == 5:
            if parameters.how == "dies":
                os.kill(os.getpid(), 11)
            raise ZeroDivisionError("at \\x1b[31mfive")
        image = subject.classifier.shown(subject.image)
        yield Result(subject.place, Heatmap(values=image / np.float32(255), image=image), True, 1.0)
"""


@pytest.fixture
def batch(
    foreign: None,
    install: Callable[[str, str, dict[str, str]], None],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> Callable[..., tuple[dict[str, object], str]]:
    """Runs one on the samples, with both packages installed: what it tells as JSON, and on stderr."""
    install("sourkit", SOUR, {"sour": "sourkit:Sour"})

    def run(*words: str, code: int = 0) -> tuple[dict[str, object], str]:
        flags = ["--limit", str(ROWS), "--device", "cpu", "--cache", str(tmp_path), "--workers", "1", "--json"]
        assert main(["batch", *words, *flags]) == code
        shown = capsys.readouterr()
        return json.loads(shown.out), shown.err

    return run


def test_what_a_foreign_package_makes_is_found_again(
    batch: Callable[..., tuple[dict[str, object], str]], tmp_path: Path
) -> None:
    told, _ = batch("tiles", "--targets", "2", "-p", "tiles=2")
    assert (told["total"], told["made"], told["aside"]) == (ROWS, ROWS, [])
    with open_session(Settings(device="cpu", limit=ROWS, cache=str(tmp_path))) as session:
        engine, plain = session.engine(), Engine(session.classifier, session.dataset)
        for row in (0, 7):
            (found,) = engine.explain("tiles", Place(row, 2), {"tiles": 2})
            *_, made = plain.explain("tiles", Place(row, 2), {"tiles": 2})
            assert isinstance(found.explanation, Heatmap) and isinstance(made.explanation, Heatmap)
            np.testing.assert_allclose(found.explanation.values, made.explanation.values, atol=1e-5)
            assert list(found.explanation.tables) == ["tiles"]


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("raises", r"explainer sour (sourkit 1.0): ZeroDivisionError: at \x1b[31mfive"),
        ("dies", "its worker died 2 times"),
    ],
)
def test_only_the_row_on_which_it_breaks_is_set_aside(
    batch: Callable[..., tuple[dict[str, object], str]], tmp_path: Path, how: str, reason: str
) -> None:
    told, said = batch("sour", "-p", f"how={how}", code=1)
    assert (told["total"], told["made"]) == (ROWS, ROWS - 1)
    (aside,) = told["aside"]  # type: ignore[misc]
    assert aside["image"] == 5 and reason in aside["reason"] and reason in said and "\x1b" not in said
    assert Store.open(tmp_path).usage().by_method["sour"][0] == ROWS - 1

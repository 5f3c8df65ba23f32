"""fer-tui batch with real workers: what is in the store afterwards is what a plain loop makes, each map once."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from fer_tui.cli import main
from fer_tui.contract import Heatmap, Place
from fer_tui.engine import Engine, Session, Settings, Store, open_session

ROWS = 40


@pytest.fixture
def session(tmp_path: Path) -> Session:
    """The samples, their network, and the store that the batch writes to."""
    return open_session(Settings(device="cpu", limit=ROWS, cache=str(tmp_path)))


def batch(capsys: pytest.CaptureFixture[str], folder: Path, *words: str, code: int = 0) -> dict[str, object]:
    flags = ["--limit", str(ROWS), "--device", "cpu", "--cache", str(folder), "--workers", "2", "--json"]
    assert main(["batch", *words, *flags]) == code
    told: dict[str, object] = json.loads(capsys.readouterr().out)
    return told


def test_it_makes_what_a_plain_loop_makes_and_only_once(
    session: Session, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = batch(capsys, tmp_path, "saliency")
    assert (told["total"], told["made"], told["missing"], told["aside"]) == (ROWS, ROWS, 0, [])
    store = Store.open(tmp_path)
    assert store.usage().by_method["saliency"][0] == ROWS
    assert batch(capsys, tmp_path, "saliency")["made"] == 0
    plain = Engine(session.classifier, session.dataset)
    predicted = session.classifier.predict(session.dataset.images(0, ROWS)).argmax(1).tolist()
    places = [Place(row, target) for row, target in enumerate(predicted)]
    # the explorer's engine: what it gives for these places at once is what the batch has stored
    stored = list(session.engine().explain_many("saliency", places))
    assert store.usage().by_method["saliency"][0] == ROWS
    for made, found in zip(plain.explain_many("saliency", places), stored, strict=True):
        assert isinstance(made.explanation, Heatmap) and isinstance(found.explanation, Heatmap)
        scale = float(np.abs(made.explanation.values).max())
        np.testing.assert_allclose(found.explanation.values, made.explanation.values, atol=1e-4 * scale)

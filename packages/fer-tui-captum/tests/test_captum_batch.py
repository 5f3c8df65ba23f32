"""captum's methods made ahead by `fer-tui batch`: what the explorer's engine then finds is captum's map."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from fer_tui.cli import main
from fer_tui.contract import Heatmap, Place
from fer_tui.engine import Engine, Settings, open_session

ROWS = 6


def test_a_layer_and_deeplift_are_batched_and_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for method, more in (("deeplift", []), ("layer-conductance", ["--layers", "features.conv1", "-p", "steps=8"])):
        flags = ["--limit", str(ROWS), "--device", "cpu", "--cache", str(tmp_path), "--workers", "1", "--json"]
        assert main(["batch", method, "--targets", "2", *more, *flags]) == 0
        told = json.loads(capsys.readouterr().out)
        assert (told["total"], told["made"], told["aside"]) == (ROWS, ROWS, [])
    with open_session(Settings(device="cpu", limit=ROWS, cache=str(tmp_path))) as session:
        engine, plain = session.engine(), Engine(session.classifier, session.dataset)
        for method, layer, parameters in (
            ("deeplift", None, {}),
            ("layer-conductance", "features.conv1", {"steps": 8}),
        ):
            key = engine.task(method, Place(3, 2, layer), parameters).key()
            assert session.store is not None and session.store.has([key]) == {key}
            (found,) = engine.explain(method, Place(3, 2, layer), parameters)
            *_, made = plain.explain(method, Place(3, 2, layer), parameters)
            assert isinstance(found.explanation, Heatmap) and isinstance(made.explanation, Heatmap)
            scale = float(np.abs(made.explanation.values).max())
            np.testing.assert_allclose(found.explanation.values, made.explanation.values, atol=1e-4 * scale)

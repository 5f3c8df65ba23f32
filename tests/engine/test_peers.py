"""check --against: the same maps by captum and torchcam on the user's own network."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fer_tui import plugins
from fer_tui.cli import main
from fer_tui.contract import InputError, Result, Subject
from fer_tui.engine import Engine, Settings, open_session
from fer_tui.engine.peers import compare
from fer_tui_plugins.saliency import Saliency, SaliencyParameters

pytest.importorskip("captum")
pytest.importorskip("torchcam")
pytest.importorskip("lime")


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with open_session(Settings(limit=40, device="cpu", cache=str(tmp_path))) as session:
        yield session.engine()


def test_maps_are_the_peers(engine: Engine) -> None:
    findings = list(compare(engine, ["captum", "torchcam", "lime"]))
    assert [(each.method, each.check) for each in findings] == [
        ("saliency", "as captum's Saliency"),
        ("cam", "as captum's LayerGradCam"),
        ("cam", "as torchcam's CAM"),
        ("lime", "as the lime package"),
    ]
    for each in findings:
        assert each.ok and each.detail.endswith("2 maps" if each.method == "lime" else "7 maps")
        assert float(each.detail.split()[2]) < 1e-5
    assert float(findings[-1].detail.split()[2]) == 0, "exact means to the last bit"


def test_other_numbers_are_found_out(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    class Off(Saliency):
        def explain(self, subject: Subject, parameters: SaliencyParameters) -> Iterator[Result]:
            for result in super().explain(subject, parameters):
                values = result.explanation.values * np.float32(1.001)
                yield replace(result, explanation=replace(result.explanation, values=values))

    monkeypatch.setattr(plugins, "load", lambda name: Off)
    (finding,) = [each for each in compare(engine, ["captum"]) if each.method == "saliency"]
    assert not finding.ok and "1.0e-03" in finding.detail


def test_a_peer_that_is_not_installed_is_told(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    (finding,) = compare(engine, ["torchcam"])
    assert finding.ok and finding.detail == "no: nothing is compared with it"


def test_an_unknown_peer_is_wrong_use(engine: Engine) -> None:
    with pytest.raises(InputError, match="did you mean captum"):
        list(compare(engine, ["capum"]))


def test_from_the_command_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["check", "--methods", "saliency", "--samples", "1", "--limit", "30", "--cache", str(tmp_path)]
    assert main([*words, "--against", "captum,torchcam", "--device", "cpu"]) == 0
    assert "as torchcam's CAM" in capsys.readouterr().out
    monkeypatch.setenv("FER_TUI_PROGRESS", "json")
    assert main([*words, "--against", "shap"]) == 2  # before the checks, which take long
    told = capsys.readouterr().err
    assert (
        told.splitlines()[-1].startswith("fer-tui: --against shap: there is no such peer") and "saliency:" not in told
    )

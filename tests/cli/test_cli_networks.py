"""Several networks on the command line: what belongs to which, and evaluate's comparison."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from fer_tui.cli import main
from fer_tui.cli.flags import Parser, UsageError, add_settings, given_settings
from fer_tui.cli.layers import layered
from fer_tui.contract import InputError


def _given(*words: str) -> dict[str, object]:
    parser = Parser("test", "")
    add_settings(parser)
    return given_settings(parser.parse(words))


def test_one_model_is_as_before_wherever_its_flags_stand() -> None:
    given = _given("--weights", "a", "b", "--mean", ".5", "--model", "x:A", "--weights", "c", "--no-equalise")
    assert given == {"weights": ("a", "b", "c"), "mean": (0.5,), "model": "x:A", "equalise": False}
    assert _given("--mean", "0", "--mean", ".5") == {"mean": (0.5,)}
    assert _given("--model-arg", "k=1", "--model-arg", "n=a") == {"model_args": {"k": 1, "n": "a"}}


def test_what_follows_a_model_is_its_own_and_what_stands_before_is_for_all() -> None:
    given = _given(
        "--std", ".5", "--model", "a.py:A", "--weights", "1", "2", "--mean", ".5", "--device", "cpu",
        "--model", "b.py:B", "--weights", "3", "--std", "2", "--equalise",
    )  # fmt: skip
    assert given == {
        "model": "a.py:A", "weights": ("1", "2"), "mean": (0.5,), "std": (0.5,), "device": "cpu",
        "others": ({"model": "b.py:B", "weights": ("3",), "std": (2.0,), "equalise": True},),
    }  # fmt: skip
    with pytest.raises(UsageError, match="each one's --weights follow it: a"):
        _given("--weights", "a", "--model", "A", "--model", "B")


def test_networks_in_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "fer-tui.toml"
    file.write_text('model = "fer-res"\nmean = 0.1\n[[network]]\nmodel = "n.py:B"\nweights = ["b.pt"]\nmean = 0.5\n')
    settings = layered({}).settings
    first, second = settings.networks
    assert (first.model, first.mean) == ("fer-res", (0.1,))
    assert (second.model, second.weights, second.mean) == ("n.py:B", ("b.pt",), (0.5,))
    flags = {"model": "fer-gap", "others": ({"model": "fer-res"},)}
    assert [each.mean for each in layered(flags).settings.networks] == [(0.0,), (0.0,)]  # flags name them in full
    for text, fault in (
        ('[[network]]\nmodel = "B"\n', "network 1: has no model"),
        ('model = "A"\n[[network]]\ndevice = "cpu"\n', "network 2: device: is the same for all networks"),
        ('model = "A"\nnetwork = 3\n', "toml:2: network: is no list of tables"),
        ('model = "A"\n[[network]]\nmodell = "B"\n', "network 2: modell: there is no such key, did you mean model"),
    ):
        file.write_text(text)
        with pytest.raises(InputError) as caught:
            layered({})
        assert fault in str(caught.value).replace("; did", ", did").replace(" (did", ", did")


def test_evaluate_compares_and_explain_chooses(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The numbers of the comparison are those of the two networks by themselves."""
    common = ["--limit", "70", "--cache", str(tmp_path), "--json"]
    both = ["--model", "fer-res", "--model", "fer-gap"]
    assert main(["evaluate", *common, *both]) == 0
    told = json.loads(capsys.readouterr().out)
    (pair,) = told["comparisons"]
    alone = []
    for number in range(2):
        assert main(["evaluate", *common, *both, "--network", str(number)]) == 0
        alone.append(json.loads(capsys.readouterr().out))
        assert told["networks"][number] == {"name": ("fer-res", "fer-gap")[number], **alone[-1]}
    assert pair["fixed"] - pair["broken"] == round(70 * (alone[1]["accuracy"] - alone[0]["accuracy"]))
    difference = np.subtract(alone[1]["confusion"], alone[0]["confusion"])
    assert pair["confusion_difference"] == difference.tolist()
    assert pair["fixed"] + pair["broken"] + pair["both_right"] + pair["both_wrong"] == pair["n"] == 70
    assert 0 < pair["mcnemar_p"] <= 1

    assert main(["explain", "cam", *common, *both, "--network", "1", "--image", "2"]) == 0
    assert json.loads(capsys.readouterr().out)["place"]["checkpoint"] == 1
    assert main(["evaluate", *common, *both, "--expect", ".5"]) == 2
    assert "--expect is about one network" in capsys.readouterr().err
    assert main(["explain", "cam", *common, *both, "--network", "2"]) == 2
    assert "network 2" in capsys.readouterr().err
    assert main(["evaluate", *common[:-1], *both]) == 0
    shown = capsys.readouterr().out
    assert f"fixed {pair['fixed']}, broken {pair['broken']}, both wrong" in shown and "McNemar" in shown

"""Defaults of explainers' parameters and colours from the files: who wins, where each stands, what is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fer_tui.cli import asked, main
from fer_tui.cli.layers import layered, own_file
from fer_tui.cli.lines import line_of
from fer_tui.contract import InputError
from fer_tui.engine.settings import Default, Settings

TOML = """
device = "cpu"
[parameters.saliency]
variant = "smoothgrad"   # and no other
samples = 12

[keys]
down = "f7"
[parameters."lime"]
samples = 300
[colours]
saliency = "magma"
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    own_file().parent.mkdir(parents=True)
    return tmp_path


def test_the_line_of_a_key_is_found_within_its_table() -> None:
    text = 'a = 1\n[x]\na = 2\n  [ x . "y" ]\nb.c = 3\nd = {e = 4}\n[[z]]\na = 5\n# a = 6\n'
    paths = {"a": 1, "x": 2, "x a": 3, "x y": 4, "x y b c": 5, "x y d e": 6, "z a": 8, "x y q": 4}
    assert {path: line_of(text, *path.split()) for path in paths} == {path: f":{n}" for path, n in paths.items()}
    assert line_of(text, "q") == ""


def test_the_project_lies_over_the_user_key_by_key() -> None:
    own_file().write_text('[parameters.saliency]\nvariant = "integrated"\nsteps = 20\n')
    Path("fer-tui.toml").write_text(TOML)
    settings = layered({}).settings
    assert settings.parameters["saliency"] == {
        "variant": Default("smoothgrad", "fer-tui.toml:4"),
        "steps": Default(20, f"{own_file()}:3"),
        "samples": Default(12, "fer-tui.toml:5"),
    }
    assert settings.parameters["lime"] == {"samples": Default(300, "fer-tui.toml:10")}
    assert settings.colours == {"saliency": Default("magma", "fer-tui.toml:12")}
    sent = Settings.from_dict(json.loads(json.dumps(settings.to_dict())))
    assert (sent.parameters, sent.colours) == (settings.parameters, settings.colours)


def test_an_explanation_is_asked_for_with_them() -> None:
    Path("fer-tui.toml").write_text(TOML)
    settings = layered({}).settings

    def variant(method: str, **given: str) -> tuple[object, object]:
        values = asked.described(method, given, settings)[1]
        return values["variant"], values["samples"]

    assert variant("saliency") == ("smoothgrad", 12)
    assert variant("saliency", variant="gradient") == ("gradient", 12)
    assert variant("vargrad") == ("vargrad", 12), "a name from the literature says more than a default"
    assert asked.described("saliency", {}, Settings())[1]["variant"] == "gradient"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[parameters.saliency]\n\nvariant = 'smothgrad'\n",
         "fer-tui.toml:3: [parameters.saliency] variant: 'smothgrad' is none of gradient, "),
        ("[parameters]\nsaliency = {varient = 'gradient'}\n",
         "fer-tui.toml:2: [parameters.saliency] varient: saliency has no such parameter; did you mean variant?"),
        ("[parameters.saliency]\nsteps = 0\n", "fer-tui.toml:2: [parameters.saliency] steps: 0 is outside 1 to 1000"),
        ("[parameters.salency]\nsteps = 9\n",
         "fer-tui.toml:2: [parameters.salency]: salency: there is no such explainer; did you mean saliency?"),
        ("theme = 'drak'\n", "fer-tui.toml:1: theme"),
        ("[colours]\nsaliensy = 'gray'\n",
         "fer-tui.toml:2: [colours]: saliensy: there is no such explainer; did you mean saliency?"),
    ],
)  # fmt: skip
def test_check_names_file_line_and_key(text: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("fer-tui.toml").write_text(text)
    assert main(["config", "check"]) == 1
    shown = capsys.readouterr().out
    assert said in shown and shown.count("\n") == 1
    assert main(["config", "show"]) == 0, "to show them nothing is imported"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("parameters = 3\n", "fer-tui.toml:1: parameters: it is no table"),
        ("[parameters]\n\nsaliency = 3\n", "fer-tui.toml:3: [parameters] saliency: 3 is no table"),
        ("[parameters.saliency]\nsteps = [1]\n", "fer-tui.toml:1: [parameters] saliency: steps: [1] is neither"),
        ("[colours]\nlime = 'magna'\n", "fer-tui.toml:2: [colours] lime: 'magna' is none of viridis, magma, jet"),
    ],
)
def test_what_is_no_table_of_values_is_refused_at_once(
    text: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("fer-tui.toml").write_text(text)
    assert main(["config"]) == 2
    assert said in capsys.readouterr().err


def test_a_command_refuses_a_wrong_default_of_its_own_method_alone() -> None:
    Path("fer-tui.toml").write_text("[parameters.lime]\nsamples = -1\n")
    settings = layered({}).settings
    assert asked.described("saliency", {}, settings)
    with pytest.raises(InputError, match=r"fer-tui.toml:2: \[parameters.lime\] samples: -1 is outside"):
        asked.described("lime", {}, settings)


def test_show_lists_each_with_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    Path("fer-tui.toml").write_text(TOML)
    assert main(["config"]) == 0 and main(["config", "check"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "parameters.saliency.variant smoothgrad # fer-tui.toml:4" in shown
    assert "colours.saliency magma # fer-tui.toml:12" in shown and "fer-tui.toml: ok" in shown
    assert main(["config", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["parameters"]["value"]
    assert told["saliency"]["samples"] == {"value": 12, "origin": "fer-tui.toml:5"}

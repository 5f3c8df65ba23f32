"""Settings from the user's own file, fer-tui.toml and flags: who wins, and what is said about mistakes."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from fer_tui.cli import main
from fer_tui.cli.layers import layered, own_file, read
from fer_tui.cli.settings import BY_NAME
from fer_tui.contract import InputError
from fer_tui.engine.settings import Settings

pytestmark = pytest.mark.usefixtures("folder")


def _toml(text: str, name: str = "fer-tui.toml") -> Path:
    file = Path(name)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def test_every_setting_of_the_engine_is_a_flag_and_a_key() -> None:
    assert {*BY_NAME, "others"} == {field.name for field in dataclasses.fields(Settings)}


def test_later_layers_win_and_say_so() -> None:
    own_file().parent.mkdir(parents=True)
    own_file().write_text('device = "cuda:1"\ncache = "/own"\n')
    _toml('device = "cpu"\nmean = 0.5\n')
    found = layered({"mean": (0.25,)})
    assert (found.settings.device, found.settings.cache, found.settings.mean) == ("cpu", "/own", (0.25,))
    assert found.origins == {"device": "fer-tui.toml", "cache": str(own_file()), "mean": "flags"}


def test_relative_names_follow_the_file_that_they_stand_in() -> None:
    _toml("a\nb\n", "runs/names.txt")
    _toml(
        'data = "faces.csv"\nmodel = "nets.py:Net"\nweights = ["a.pt", "/abs/b.pt"]\nclasses = "names.txt"\n'
        'transform = "pre.py:fit"\noutput = "pkg.mod:head"\ncache = "store"\n',
        "runs/fer-tui.toml",
    )
    settings = layered({}, "runs/fer-tui.toml").settings
    assert settings.data == "runs/faces.csv"
    assert settings.model == "runs/nets.py:Net"
    assert settings.weights == ("runs/a.pt", "/abs/b.pt")
    assert settings.classes == ("runs/names.txt",)
    assert (settings.transform, settings.output, settings.cache) == ("runs/pre.py:fit", "pkg.mod:head", "runs/store")


def test_no_cache_is_no_folder() -> None:
    assert read(_toml('cache = "none"\n')) == {"cache": "none"}


def test_other_data_brings_its_own_split_and_limit() -> None:
    _toml('data = "a.csv"\nsplit = "PublicTest"\nlimit = 5\nmean = 0.5\n')
    settings = layered({"data": "b.csv"}).settings
    assert (settings.data, settings.split, settings.limit, settings.mean) == ("b.csv", None, None, (0.5,))


def test_keyword_arguments_are_typed_and_merged() -> None:
    _toml('[model-args]\nwidth = 8\nact = "relu"\n')
    given = BY_NAME["model_args"].read(["width=16", "drop=.5", "norm=none", "name=x y", "sizes=(1, 2)"])
    assert layered({"model_args": given}).settings.model_args == {
        "width": 16, "act": "relu", "drop": 0.5, "norm": None, "name": "x y", "sizes": (1, 2),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("mean = 0.5\nwieghts = 'a'\n", "fer-tui.toml:2: wieghts: there is no such key; did you mean weights?"),
        ("\n\nfit = 'strech'\n", "fer-tui.toml:3: fit: 'strech' is none of stretch, crop, pad; did you mean stretch?"),
        ("limit = -1\n", "fer-tui.toml:1: limit: -1 is not a whole number above 0"),
        ("limit = true\n", "fer-tui.toml:1: limit: True is not a whole number above 0"),
        ("size = [48]\n", "fer-tui.toml:1: size: [48] is not a size"),
        ("std = [0.5, 0.0]\n", "fer-tui.toml:1: std: a standard deviation must be above 0"),
        ("equalise = 1\n", "fer-tui.toml:1: equalise: 1 is neither true nor false"),
        ("data = 3\n", "fer-tui.toml:1: data: 3 is not text"),
        ("classes = ['one', 'one']\n", "fer-tui.toml:1: classes: 'one' is named twice"),
        ("mean = \n", "fer-tui.toml: is not TOML: Invalid value (at line 1"),
        ("mean = 1\nmean = 2\n", "fer-tui.toml: is not TOML: Cannot overwrite a value (at line 2"),
        ('"\\u001b[31m" = 1\n', "\\x1b[31m: there is no such key"),
    ],
)
def test_a_mistake_names_file_line_and_key(text: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    _toml(text)
    assert main(["config", "show"]) == 2
    shown = capsys.readouterr()
    assert shown.out == "" and shown.err.count("\n") == 1
    assert said in shown.err and "\x1b" not in shown.err


def test_a_file_of_other_bytes_is_no_toml() -> None:
    Path("fer-tui.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="not a text file in UTF-8"):
        layered({})


def test_a_users_own_file_names_no_data(capsys: pytest.CaptureFixture[str]) -> None:
    own_file().parent.mkdir(parents=True)
    own_file().write_text('data = "x.csv"\n')
    assert main(["config"]) == 2
    assert (
        "data: belongs in fer-tui.toml "
        "(here only device, cache, stores, parameters, colours, report-with, graphics, theme, keys)"
        in capsys.readouterr().err
    )


def test_graphics_from_file_environment_and_flag(monkeypatch: pytest.MonkeyPatch) -> None:
    assert layered({}).settings.graphics == "auto"
    _toml('graphics = "sixel"\n')
    assert layered({}).settings.graphics == "sixel"
    monkeypatch.setenv("FER_TUI_GRAPHICS", "blocks")
    assert layered({}).settings.graphics == "blocks" and layered({}).origins["graphics"] == "FER_TUI_GRAPHICS"
    assert layered({"graphics": "kitty"}).settings.graphics == "kitty"
    monkeypatch.setenv("FER_TUI_GRAPHICS", "kity")
    with pytest.raises(InputError, match=r"FER_TUI_GRAPHICS: 'kity' is none of .*did you mean kitty"):
        layered({})


def test_show_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    _toml("size = [40, 48]\n")
    assert main(["config", "show", "--json", "--model-arg", "k=1", "--no-equalise"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["size"] == {"value": [40, 48], "origin": "fer-tui.toml"}
    assert shown["model-args"] == {"value": {"k": 1}, "origin": "flags"}
    assert shown["equalise"] == {"value": False, "origin": "flags"}


def test_check_names_every_file_that_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    _toml('data = "a.csv"\nmodel = "nets.py:Net"\nweights = ["w.pt"]\ntransform = "pkg.mod:fn"\n')
    assert main(["config", "check"]) == 1
    shown = capsys.readouterr().out
    assert "weights: w.pt: there is no such file" in shown
    assert "data: a.csv" in shown and "model: nets.py" in shown and "pkg.mod" not in shown
    for name in ("a.csv", "nets.py", "w.pt"):
        Path(name).touch()
    assert main(["config", "check"]) == 0


def test_a_fault_in_a_table_names_the_line_of_its_own_key() -> None:
    file = _toml('device = "cpu"\n\n[keys]\ndown = "f7"\ndwon = "z"\n')
    with pytest.raises(InputError) as caught:
        read(file)
    assert str(caught.value).startswith("fer-tui.toml:5: [keys] dwon: there is no action dwon; did you mean down?")

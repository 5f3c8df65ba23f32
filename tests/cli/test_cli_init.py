"""init: real checkpoints, what is understood of them, what is asked, what is written."""

from __future__ import annotations

import json
import shutil
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

import fer_tui_samples
from fer_tui.cli import main
from fer_tui.cli.layers import read
from fer_tui.cli.project import toml, write
from fer_tui.contract import InputError
from fer_tui.engine.settings import Settings

OnTerminal = Callable[..., tuple[int, str]]
NAMES = ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]


@pytest.fixture
def project(folder: Path, shared: Path, nets: Path) -> Path:
    """A folder with a real checkpoint and the source of several architectures, as a user has them."""
    shutil.copy(nets, folder / "nets.py")
    shutil.copy(shared / "models" / "jimpei_CNN2.pt", folder / "net.pt")
    return folder


def _written(name: str = "fer-tui.toml") -> dict[str, Any]:
    return tomllib.loads(Path(name).read_text("utf-8"))


def test_finds_architecture_and_preprocessing(
    project: Path, shared: Path, cache: str, capsys: pytest.CaptureFixture[str]
) -> None:
    data = str(shared / "data" / "fer2013_trainval.npz")
    assert main(["init", "net.pt", "--data", data, "--split", "PublicTest", "--cache", cache, "--yes"]) == 0
    told = capsys.readouterr()
    assert told.out == ""
    assert "1 channel in, 7 outputs" in told.err
    assert _written() == {
        "data": data, "split": "PublicTest", "cache": cache, "classes": NAMES, "model": "nets.py:PlainCNN",
        "weights": "net.pt", "mean": 0.0, "std": 1.0,
    }  # fmt: skip
    assert "# x/255: accuracy 0." in Path("fer-tui.toml").read_text("utf-8")
    assert main(["config", "check"]) == 0
    capsys.readouterr()
    assert main(["evaluate", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["accuracy"] == pytest.approx(0.5890, abs=5e-5)


def test_weights_of_no_class_that_is_known(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.save(torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3)).state_dict(), "net.pt")
    assert main(["init", "net.pt", "--yes"]) == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith("fer-tui: net.pt: these weights fit no bundled network (fer-res, fer-gap) (no class in the")
    assert "--model file.py:Class" in said and "fer-tui init" not in said


def test_without_data_nothing_is_tried(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "net.pt", "--yes", "--model", "nets.py:PlainCNN", "--mean", ".5", "--std", ".5"]) == 0
    assert _written() == {"classes": NAMES, "model": "nets.py:PlainCNN", "weights": "net.pt", "mean": 0.5, "std": 0.5}


def test_a_file_that_is_there_stays(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("fer-tui.toml").write_text("mean = 0.5\n")
    assert main(["init", "net.pt", "--yes"]) == 2
    assert capsys.readouterr().err == (
        "fer-tui: fer-tui.toml: is there already (--force writes over it, -o names another file)\n"
    )
    assert Path("fer-tui.toml").read_text() == "mean = 0.5\n"
    assert main(["init", "net.pt", "--yes", "--force"]) == 0
    assert _written()["weights"] == "net.pt"


def test_nobody_to_ask(project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    with Path("/dev/null").open() as nobody:
        monkeypatch.setattr("sys.stdin", nobody)
        assert main(["init", "net.pt"]) == 2
    assert capsys.readouterr().err == "fer-tui: error: there is no terminal to ask on: --yes takes every guess\n"


def test_a_pickle_is_converted_only_on_trust(folder: Path, nets: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import sys

    import torch

    shutil.copy(nets, folder / "nets.py")
    (folder / "settings.py").write_text("class Options:\n    pass\n")
    sys.path.insert(0, str(folder))
    try:
        import nets as architectures
        import settings

        torch.save({"net": architectures.MobileGap3().state_dict(), "options": settings.Options()}, "run.ckpt")
    finally:
        sys.path.remove(str(folder))
        for name in ("nets", "settings"):
            sys.modules.pop(name, None)
    assert main(["init", "run.ckpt", "--yes"]) == 2
    refusal = capsys.readouterr().err
    assert refusal.count("\n") == 1
    assert "run.ckpt: is a pickle" in refusal and "settings.Options" in refusal and "--trust" in refusal
    assert not Path("run.safetensors").exists()
    (folder / "settings.py").write_text("raise SystemExit('run!')\n")
    assert main(["init", "run.ckpt", "--yes", "--trust"]) == 0
    assert "none of it is run" in capsys.readouterr().err
    assert (_written()["model"], _written()["weights"]) == ("nets.py:MobileGap3", "run.safetensors")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["absent.pt"], "absent.pt: no such file"),
        (["empty.pt"], "empty.pt: is empty"),
        (["text.pt"], "text.pt: is no weights file"),
        (["."], ".: is a folder, not a weights file"),
        (["net.safetensors", "--data", "absent.csv"], "absent.csv"),
        (["text.pt", "--weights", "a.pt"], "init takes the weights as CHECKPOINT"),
        (["text.pt", "-o", "absent/fer-tui.toml"], "there is no folder absent"),
    ],
)
def test_bad_input(words: list[str], said: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("empty.pt").touch()
    Path("text.pt").write_text("no weights\n")
    shutil.copy(fer_tui_samples.weights_path(), "net.safetensors")
    assert main(["init", *words, "--yes"]) == 2
    shown = capsys.readouterr()
    assert shown.out == "" and shown.err.count("\n") == 1 and said in shown.err
    assert sorted(path.name for path in folder.iterdir()) == ["empty.pt", "net.safetensors", "text.pt"]


def test_asks_on_a_terminal(project: Path, on_terminal: OnTerminal) -> None:
    # import nets.py? yes; data: none; write? yes
    code, written = on_terminal("init", "net.pt", keys=b"y\n\n\n", env={"TERM": "xterm"}, cwd=str(project))
    assert code == 0, written
    assert "import nets.py to try the weights on what is in there? [Y/n]" in written
    assert "data to explore (nothing: the bundled samples) [none]" in written
    assert "write fer-tui.toml? [Y/n]" in written
    assert _written()["model"] == "nets.py:PlainCNN"


def test_no_means_no(project: Path, on_terminal: OnTerminal) -> None:
    keys = b"n\nnets.py:PlainCNN\n\nn\n"  # do not import; the model by name; no data; do not write
    code, written = on_terminal("init", "net.pt", keys=keys, env={"TERM": "xterm"}, cwd=str(project))
    assert code == 0, written
    assert "nothing is written" in written and not Path("fer-tui.toml").exists()


# ---- the file --------------------------------------------------------------------------------------------------------


def test_what_is_written_is_read_back(folder: Path) -> None:
    settings = Settings(
        data="faces/a \"b\" \\ \x7f\x01 𝒞.csv", split="x", limit=3, model="nets.py:Net", weights=("a.pt", "/b/c.pt"),
        model_args={"width": 8, "drop": 0.5, "on": True, "name": "x", "sizes": [1, 2]}, mean=(0.1, 0.2, 0.3),
        std=(0.5,), equalise=True, size=(40, 48), classes=("a", "b"), output="pkg.mod:head", cache="none",
    )  # fmt: skip
    Path("sub").mkdir()
    write(Path("sub/fer-tui.toml"), toml(settings, Path(), {"mean": "line\none\x1b[31m"}))
    Path("sub/fer-tui.toml").rename("fer-tui.toml")
    assert Settings(**read(Path("fer-tui.toml"))) == settings


def test_nothing_partial_is_written(folder: Path) -> None:
    with pytest.raises(InputError, match="not UTF-8"):
        write(Path("fer-tui.toml"), "data = '\udcff'")
    with pytest.raises(InputError, match="cannot be written"):
        write(Path("absent/fer-tui.toml"), "")
    assert list(folder.iterdir()) == []

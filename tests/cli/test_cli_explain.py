"""explain: on the bundled samples, in a pipe, on a terminal, to files, as JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import fer_tui
from fer_tui.cli import main
from fer_tui.contract import Heatmap
from fer_tui.picture import load, shares

OnTerminal = Callable[..., tuple[int, str]]


pytestmark = pytest.mark.usefixtures("folder")


def test_in_a_pipe_words_and_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "saliency", "--image", "3", "--target", "fear"]) == 0
    shown = capsys.readouterr()
    lines = shown.out.splitlines()
    assert lines[0].strip() == "saliency: image 3, target 2 (fear)"
    assert [len(line.split()) for line in lines[1:8]] == [7] * 7
    assert lines[8].startswith("strongest at row ")
    assert "\x1b" not in shown.out


def test_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["explain", "saliency", "--image", "3", "--target", "FEAR", "--json"]
    assert main(words) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["kind"] == "heatmap"
    assert shown["place"] == {"image": 3, "target": 2, "target_name": "fear"}
    assert shown["shape"] == [48, 48]
    summary = shown["summary"]
    assert 0 <= summary["min"] <= summary["mean"] <= summary["max"]
    assert set(shown["digests"]) == {"classifier", "image", "values"}
    assert shown["meta"]["explainer"] == "saliency"
    assert main([*words, "--fresh"]) == 0
    again = json.loads(capsys.readouterr().out)
    assert again["digests"] == shown["digests"]


def test_files_hold_what_was_shown(capsys: pytest.CaptureFixture[str]) -> None:
    for suffix in (".npz", ".png", ".json"):
        assert main(["explain", "saliency", "--image", "3", "--out", f"map{suffix}", "--json"]) == 0
        shown = json.loads(capsys.readouterr().out)
    saved = load("map.npz")
    assert float(saved.values.max()) == shown["summary"]["max"]  # type: ignore[attr-defined]
    row, column = shown["summary"]["max_at"]
    assert saved.values[row, column] == saved.values.max()  # type: ignore[attr-defined]
    with Image.open("map.png") as picture:
        assert picture.width > 96
    assert np.array(json.loads(Path("map.json").read_text())["values"]).shape == (48, 48)
    assert sorted(path.name for path in Path().iterdir()) == ["map.json", "map.npz", "map.png"]


def test_a_picture_file_needs_no_data(capsys: pytest.CaptureFixture[str]) -> None:
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (60, 50), np.uint8)).save("face.png")
    assert main(["explain", "saliency", "--image", "face.png", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["shape"] == [48, 48]


def test_without_image_row_0_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "saliency", "--json"]) == 0
    shown = capsys.readouterr()
    assert json.loads(shown.out)["place"]["image"] == 0
    assert "no --image is given: this is row 0" in shown.err


def test_a_flag_that_makes_no_difference_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["explain", "confusion", "--limit", "32", "--image", "1", "--layer", "features.conv1"]
    assert main([*words, "--json"]) == 0
    told = capsys.readouterr().err
    assert "confusion does not depend on the image: --image makes no difference" in told
    assert "--layer makes no difference" in told and "row 0" not in told


def test_confusion_is_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "confusion", "--limit", "64"]) == 0
    shown = capsys.readouterr().out
    assert "true \\ predicted" in shown and "accuracy" in shown
    assert main(["explain", "confusion", "--limit", "64", "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)["summary"]
    assert summary["n"] == 64 == np.sum(summary["counts"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["salience"], "did you mean saliency?"),
        (["saliency", "-p", "varient=x"], "parameter varient"),
        (["saliency", "--seed", "-1"], "parameter seed: -1 is outside 0 to"),
        (["saliency", "--seed", "x"], "parameter seed: 'x' is not a whole number"),
        (["saliency", "--image", "9999"], "--image 9999: there is no such row (rows are 0 to "),
        (["saliency", "--image", "-1"], "--image -1: there is no such row"),
        (["saliency", "--image", "absent.png"], "--image absent.png: is neither a row's number nor a file"),
        (["saliency", "--image", "text.png"], "text.png"),
        (["saliency", "--image", "0", "--target", "faer"], "there is no such class; did you mean fear?"),
        (["saliency", "--image", "0", "--target", "7"], "--target 7: there is no such class"),
        (["saliency", "--image", "0", "--against", "7"], "--against 7: there is no such class"),
        (["saliency", "--image", "0", "--layer", "features.conv99"], "layer features.conv99: "),
        (
            ["saliency", "--image", "0", "--layer", "features.conv1", "--filter", "32"],
            "--filter 32: layer features.conv1 has",
        ),
        (["saliency", "--image", "0", "--filter", "1"], "--filter 1: of which layer? (name it with --layer)"),
        (["saliency", "--image", "0", "--checkpoint", "3"], "checkpoint 3: there is no such checkpoint"),
        (
            ["saliency", "--image", "0", "--device", "gpu"],
            "--device: 'gpu' is none of auto, cpu, cuda:N, mps; did you mean cpu?",
        ),
        (["saliency", "--image", "0", "--model", "fer-gpa"], "did you mean fer-gap?"),
        (["saliency", "--image", "0", "--weights", "absent.pt"], "absent.pt: no such file"),
        (["saliency", "--image", "0", "--weights", "text.png"], "text.png: "),
        (["saliency", "--image", "0", "--data", "absent.csv"], "absent.csv: "),
        (["saliency", "--image", "0", "--classes", "a,b"], "classes"),
        (["saliency", "--image", "0", "--mean", ".1,.2,.3"], "mean"),
    ],
)
def test_bad_input_is_one_line(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("text.png").write_text("no picture\n")
    assert main(["explain", *words, "--out", "map.png"]) == 2
    shown = capsys.readouterr()
    assert shown.out == "" and shown.err.count("\n") == 1, shown.err
    assert shown.err.startswith("fer-tui: ") and said in shown.err
    assert not Path("map.png").exists()


# ---- on a terminal ---------------------------------------------------------------------------------------------------


def _cells(written: str) -> list[str]:
    """The lines that hold half-cells, without escape sequences."""
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", written)
    return [line for line in text.replace("\r", "").splitlines() if "▀" in line]


@pytest.mark.parametrize(
    ("env", "escape"),
    [({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, "38;2;"), ({"TERM": "xterm-256color"}, "38;5;")],
)
def test_half_cells_in_the_colours_there_are(env: dict[str, str], escape: str, on_terminal: OnTerminal) -> None:
    code, written = on_terminal("explain", "saliency", "--image", "3", env=env)
    assert code == 0
    lines = _cells(written)
    assert len(lines) == 24 and {line.count("▀") for line in lines} == {96}  # the image, and beside it the overlay
    assert f"\x1b[{escape}" in written
    assert "strongest at row " in written


@pytest.mark.parametrize("env", [{"TERM": "xterm-256color", "NO_COLOR": "1"}, {"TERM": "dumb"}, {"TERM": "vt100"}])
def test_shades_where_there_are_no_colours(env: dict[str, str], on_terminal: OnTerminal) -> None:
    code, written = on_terminal("explain", "saliency", "--image", "3", env=env)
    assert code == 0
    assert not re.search(r"\x1b\[[0-9;]*[34]8;", written)
    picture = [line for line in written.replace("\r", "").splitlines() if re.fullmatch(r"[ ·:░▒▓█]{90,}", line)]
    assert len(picture) == 24


def test_a_narrow_terminal_gets_a_narrow_picture(on_terminal: OnTerminal) -> None:
    code, written = on_terminal(
        "explain", "saliency", "--image", "3", size=(20, 5), env={"TERM": "xterm-256color", "COLORTERM": "truecolor"}
    )
    assert code == 0
    assert {len(line) for line in _cells(written)} == {20}


def test_ascii_terminal(on_terminal: OnTerminal) -> None:
    code, written = on_terminal(
        "explain", "saliency", "--image", "3", env={"TERM": "xterm-256color", "PYTHONIOENCODING": "ascii"}
    )
    assert code == 0
    assert written.isascii() and "@" in written


def test_the_face_in_a_photograph_is_explained(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from skimage.data import astronaut

    picture = astronaut()
    one, two, none = tmp_path / "one.png", tmp_path / "two.png", tmp_path / "none.png"
    Image.fromarray(picture).save(one)
    Image.fromarray(np.concatenate([picture, picture[:, ::-1]], axis=1)).save(two)
    Image.fromarray(picture[300:, :200]).save(none)
    words = ["explain", "saliency", "--cache", "none", "--device", "cpu"]
    assert main([*words, "--image", str(one), "--face", "--out", str(tmp_path / "one.npz")]) == 0
    assert "the face at row " in capsys.readouterr().err
    explained = load(tmp_path / "one.npz")
    faces = fer_tui.open_dataset("builtin:faces", cache="none")
    assert np.array_equal(explained.image, faces[0].image)
    assert main([*words, "--image", str(two), "--face", "2", "--out", str(tmp_path / "two.npz")]) == 0
    mirrored = load(tmp_path / "two.npz").image[:, ::-1].astype(float)
    assert np.corrcoef(mirrored.ravel(), faces[0].image.ravel())[0, 1] > 0.6
    capsys.readouterr()
    for more, fault in (
        (["--image", str(two), "--face"], f"{two}: there are 2 faces: 1 at row "),
        (["--image", str(none), "--face"], f"{none}: no face is found in it (crop it yourself"),
        (["--image", str(one), "--face", "4"], f"{one}: there is no face 4 (there is 1: 1 at row "),
        (["--face"], "error: --face finds a face in a picture file"),
    ):
        assert main([*words, *more]) == 2
        told = capsys.readouterr().err
        assert told.startswith(f"fer-tui: {fault}") and told.count("\n") == 1


def test_in_words_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "saliency", "--image", "3", "--words", "--out", "map.npz"]) == 0
    saved, told = load("map.npz"), capsys.readouterr().out
    assert isinstance(saved, Heatmap)
    rows = np.array([line.split()[2:] for line in told.splitlines() if line.startswith("row ")], float)
    np.testing.assert_allclose(rows, 100 * shares(saved), atol=0.0501)

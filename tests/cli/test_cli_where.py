"""--where: a script takes the rows that the explorer lists, with the marks that were made there."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fer_tui.cli import main
from fer_tui.contract import Heatmap
from fer_tui.engine import open_session
from fer_tui.engine.settings import Settings
from fer_tui.picture import load
from fer_tui.tui.marks import Marks
from fer_tui.tui.state import State

CPU = ["--device", "cpu"]


pytestmark = pytest.mark.usefixtures("folder")


def values(file: Path) -> object:
    heatmap = load(file)
    assert isinstance(heatmap, Heatmap)
    return heatmap.values


def test_the_marked_images_into_a_folder(capsys: pytest.CaptureFixture[str]) -> None:
    with open_session(Settings(device="cpu")) as session:
        dataset, classifier = session.dataset, session.classifier
        marks = Marks(State.open().of(dataset.digest), dataset.source_rows)
        marks.set([5, 70, 349], True)
        marks.note(70, "eyes shut")
        guesses = [
            classifier.classes[int(classifier.predict([dataset[row].image])[0].argmax())] for row in (5, 70, 349)
        ]
    assert main(["explain", "saliency", "--where", "marked", "-p", "variant=guided", "-o", "maps", *CPU]) == 0
    assert "written: 3 explanations in maps" in capsys.readouterr().err
    entries = json.loads(Path("maps/index.json").read_text())
    assert [(each["row"], each["note"], each["marked"]) for each in entries] == [
        (5, "", True), (70, "eyes shut", True), (349, "", True),
    ]  # fmt: skip
    assert [each["predicted"] for each in entries] == [each["explained"] for each in entries] == guesses
    assert {path.name for path in Path("maps").iterdir()} == {"index.json", *(f for e in entries for f in e["files"])}
    assert main([*shlex.split(entries[1]["command"])[1:], "-o", "again.npz"]) == 0
    np.testing.assert_allclose(values(Path("again.npz")), values(Path("maps", entries[1]["files"][1])), atol=1e-6)

    assert main(["explain", "saliency", "--where", "marked", "-o", "maps", *CPU]) == 2
    assert "maps: is there already" in capsys.readouterr().err, "and nothing in it is written over"
    assert main(["explain", "saliency", "--where", "-marked true:fear row<120", "--target", "sad", "--json", *CPU]) == 0
    told = json.loads(capsys.readouterr().out)
    assert {each["true"] for each in told} == {"fear"} and len(told) > 3
    assert {each["place"]["target_name"] for each in told} == {"sad"}
    asked = ["explain", "saliency", "--where", "wrong", "--target", "predicted,true,fear", "--json", *CPU]
    assert main(asked) == 0
    several = [(each["row"], each["place"]["target_name"], each) for each in json.loads(capsys.readouterr().out)]
    wanted = {(row, name) for row, _, each in several for name in (each["predicted"], each["true"], "fear")}
    assert {(row, name) for row, name, _ in several} == wanted and len(several) == len(wanted), "each class once"
    assert all(1 / 7 < each["confidence"] <= 1 for *_, each in several)
    assert main([*asked[:5], "true,feer", *CPU]) == 2
    assert "--target feer: there is no such class; did you mean fear?" in capsys.readouterr().err
    assert main(["explain", "saliency", "--where", "note:EYES", *CPU]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("row 70 ") and line.endswith("(eyes shut)")
    assert main(["focus", "saliency", "--where", "marked", "--json", *CPU]) == 0
    assert json.loads(capsys.readouterr().out)["whole"]["every"]["images"] == 3


def test_what_hangs_on_predictions_is_what_evaluate_counts(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "--json", *CPU]) == 0
    evaluated = json.loads(capsys.readouterr().out)
    confusion = np.array(evaluated["confusion"])
    assert main(["explain", "saliency", "--where", "wrong hardest", "--json", *CPU]) == 0
    told = json.loads(capsys.readouterr().out)
    assert len(told) == int(confusion.sum() - np.trace(confusion)) > 0
    assert all(each["true"] != each["predicted"] for each in told)
    assert [each["row"] for each in told] != sorted(each["row"] for each in told), "the hardest first"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--where", "conf<0"], "--where conf<0: none of the 350 images is that"),
        (["--where", "marked"], "none of the 350 images is that (Space in the explorer marks one)"),
        (["--where", "markd"], "--where markd: 'markd' is no term; did you mean marked?"),
        (["--where", "true:fear,shy"], "--where true:fear,shy: no class 'shy' (classes are angry, disgust, fear, "),
        (["--where", "wrong true:shy"], "--where wrong true:shy: true:shy: no class 'shy' (classes are"),
        (["--where", "fixed"], "there is one network"),
        (["--where", "marked", "--image", "3"], "does not go with --image"),
        (["--where", "marked", "-o", "map.png"], "map.png: would be one file (with --where name a folder)"),
    ],
)
def test_what_means_nothing_is_one_clear_line(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "saliency", *words, *CPU]) == 2
    shown = capsys.readouterr()
    assert said in shown.err.splitlines()[-1] and not shown.out and not list(Path().iterdir())


def test_a_picture_that_cannot_be_read_is_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "faces" / "sad").mkdir(parents=True)
    for number in range(3):
        Image.new("L", (48, 48), 60 * number).save(tmp_path / "faces" / "sad" / f"{number}.png")
    Image.new("F", (48, 48)).save(tmp_path / "faces" / "sad" / "1.tiff")
    (tmp_path / "faces" / "sad" / "2.png").write_text("no picture")
    words = ["explain", "saliency", "--where", "true:sad", "--data", str(tmp_path / "faces"), "--json", *CPU]
    assert main(words) == 0
    shown = capsys.readouterr()
    assert [each["id"] for each in json.loads(shown.out)] == ["sad/0.png", "sad/1.png"]
    left = [line for line in shown.err.splitlines() if line.startswith("left out: ")]
    assert len(left) == 2 and left[0].endswith("1.tiff: is a picture of fractions (save it with 8 bits a channel)")

"""evaluate: the proof that a set-up is the user's own, on the real data and on small ones."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import fer_tui_samples
from fer_tui.cli import main
from fer_tui.cli.evaluate import Evaluation


@pytest.mark.parametrize(
    ("architecture", "weights", "expected", "recall"),
    [
        ("MobileGap3", "hhccode_mobilenetv1.pt", ".6612", [0.58, 0.57, 0.37, 0.86, 0.58, 0.79, 0.68]),
        ("MobileGap6", "linkingmon_mobilenet.pt", ".6339", [0.50, 0.43, 0.36, 0.85, 0.57, 0.77, 0.63]),
    ],
)
def test_published_accuracy_of_real_networks(
    shared: Path,
    nets: Path,
    cache: str,
    architecture: str,
    weights: str,
    expected: str,
    recall: list[float],
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = [
        "evaluate", str(shared / "data" / "fer2013_trainval.npz"), "--split", "PublicTest", "--cache", cache,
        "--model", f"{nets}:{architecture}", "--weights", str(shared / "models" / weights), "--json",
    ]  # fmt: skip
    assert main([*words, "--expect", expected]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["n"] == 3589
    assert shown["accuracy"] == pytest.approx(float(expected), abs=5e-5)
    assert list(shown["recall"]) == ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]
    assert list(shown["recall"].values()) == pytest.approx(recall, abs=0.005)
    confusion = np.array(shown["confusion"])
    assert confusion.sum(1).tolist() == [467, 56, 496, 895, 653, 415, 607]
    assert confusion.trace() / 3589 == shown["accuracy"]

    assert main([*words, "--expect", ".5"]) == 1
    told = capsys.readouterr()
    assert json.loads(told.out) == shown
    assert told.err.splitlines()[-1].startswith(f"fer-tui: accuracy is {shown['accuracy']:.4f}, not 0.5")
    assert main([*words, "--expect", ".6", "--tolerance", ".07"]) == 0


def test_flip_averages_with_the_mirrored_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By --flip a network that looks at one side only answers for a picture as for its mirror image."""
    model = tmp_path / "half.py"
    model.write_text(
        "import torch\n"
        "class Half(torch.nn.Module):\n"
        "    input_shape = (1, 8, 8)\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.scale = torch.nn.Parameter(torch.ones(1))\n"
        "    def forward(self, x):\n"
        "        left = x[..., :4].mean((1, 2, 3)) * self.scale\n"
        "        return torch.stack([left, 0 * left + 0.4], 1)\n"
    )
    bright = np.zeros((1, 8, 8), np.uint8)
    bright[..., :4] = 255
    for picture, plain, flipped in ((bright, [1, 0], [1, 0]), (bright[..., ::-1], [0, 1], [1, 0])):
        np.savez(tmp_path / "data.npz", images=picture, labels=[0], class_names=["left", "none"])
        words = ["evaluate", str(tmp_path / "data.npz"), "--model", f"{model}:Half", "--cache", "none", "--json"]
        for flags, expected in (([], plain), (["--flip"], flipped)):
            assert main([*words, *flags]) == 0
            assert list(json.loads(capsys.readouterr().out)["predicted"].values()) == expected


def test_table_of_the_samples(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "--limit", "70", "--cache", "none"]) == 0
    table = capsys.readouterr().out
    assert "true \\ predicted" in table and "surprise" in table
    assert table.rstrip().endswith("of 70 images")
    assert "\x1b" not in table


def test_pictures_that_cannot_be_read_are_named_and_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images = np.random.default_rng(3).integers(0, 256, (9, 48, 48), np.uint8)
    for n, image in enumerate(images):
        path = tmp_path / "data" / ("happy", "sad")[n % 2] / f"{n}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path)
    words = ["evaluate", str(tmp_path / "data"), "--json"]
    assert main(words) == 0
    whole = json.loads(capsys.readouterr().out)
    for name in ("happy/2.png", "sad/5.png"):
        data = (tmp_path / "data" / name).read_bytes()
        (tmp_path / "data" / name).write_bytes(data[:100])
    shown = []
    for flags in ([], [], ["--flip"]):  # the second time the scores are stored
        assert main([*words, *flags]) == 0
        told = capsys.readouterr()
        assert told.err.count("is cut off: the picture ends too early") == 2 and "sad/5.png" in told.err
        assert "2 pictures cannot be read: they are left out" in told.err and "not finite" not in told.err
        shown.append(json.loads(told.out))
        assert (shown[-1]["n"], shown[-1]["unreadable"], shown[-1]["not_finite"]) == (7, 2, 0)
    assert shown[0] == shown[1] and sum(whole["predicted"].values()) == 9
    weights = [str(fer_tui_samples.weights_path()), str(tmp_path / "copy.safetensors")]
    shutil.copy(*weights)
    assert main(["timeline", *words[1:], "--weights", *weights]) == 0
    told = capsys.readouterr()
    assert "2 pictures cannot be read: they are left out" in told.err
    assert json.loads(told.out)["checkpoints"][0]["accuracy"] == pytest.approx(shown[0]["accuracy"])
    assert sum(shown[0]["predicted"].values()) == sum(map(sum, shown[0]["confusion"])) == 7
    (tmp_path / "data" / "sad" / "5.png").unlink()
    Image.fromarray(images[2]).save(tmp_path / "data" / "happy" / "2.png")
    assert main(words) == 0
    assert json.loads(capsys.readouterr().out)["n"] == 8


@pytest.fixture
def unlabelled(tmp_path: Path) -> Path:
    file = tmp_path / "unlabelled.npz"
    np.savez(file, images=np.random.default_rng(0).integers(0, 256, (5, 48, 48), np.uint8))
    return file


def test_data_without_labels_give_the_distribution(unlabelled: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", str(unlabelled), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["n"], shown["unlabelled"], sum(shown["predicted"].values())) == (5, 5, 5)
    assert shown["accuracy"] is shown["recall"] is shown["confusion"] is None
    assert main(["evaluate", str(unlabelled)]) == 0
    assert "5 images without labels" in capsys.readouterr().out


def test_no_accuracy_can_be_expected_of_data_without_labels(
    unlabelled: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", str(unlabelled), "--expect", ".5"]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err == f"fer-tui: --expect: {unlabelled} has no labels, so there is no accuracy (leave --expect out)\n"


def _evaluation(confusion: list[list[int]], support: list[int], rows: int, broken: int = 0) -> Evaluation:
    counts = np.array(confusion)
    names = tuple("abc"[: len(support)])
    return Evaluation(names, counts, counts.sum(0), np.array(support), np.full(rows, -1), broken)


def test_rows_without_finite_scores_are_wrong() -> None:
    evaluation = _evaluation([[3, 0], [0, 4]], [4, 4], rows=9, broken=1)
    assert (evaluation.labelled, evaluation.accuracy) == (8, 7 / 8)
    assert (evaluation.recall(0), evaluation.recall(1)) == (0.75, 1.0)


def test_a_class_without_rows_has_no_recall() -> None:
    evaluation = _evaluation([[2, 0], [0, 0]], [2, 0], rows=2)
    assert evaluation.to_dict()["recall"] == {"a": 1.0, "b": None}


@pytest.mark.parametrize(
    ("accuracy", "expected", "tolerance", "code"),
    [
        (0.66119, ".6612", None, 0),
        (0.66125, ".6612", None, 0),
        (0.66126, ".6612", None, 1),
        (0.5, ".5", None, 0),
        (0.549, "0.5", None, 0),
        (0.551, "0.5", None, 1),
        (1.0, "1", None, 0),
        (0.6612, ".66", ".001", 1),
        (0.6612, ".66", ".0012", 0),
        (0.6, ".6", "0", 0),
    ],
)
def test_expected_to_its_digits(accuracy: float, expected: str, tolerance: str | None, code: int) -> None:
    from decimal import Decimal

    from fer_tui.cli.evaluate import _verdict

    assert _verdict(accuracy, Decimal(expected), None if tolerance is None else Decimal(tolerance)) == code

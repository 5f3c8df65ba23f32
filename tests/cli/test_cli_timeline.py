"""timeline: a real training run, and small ones."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import nn

import fer_tui_samples
from fer_tui.cli import main
from fer_tui.engine import Settings, open_session

NET = """
from safetensors.torch import load_file
from torch import nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU())
        self.head = nn.Linear(576, 3)
    def forward(self, x):
        return self.head(self.features(x).flatten(1))
"""


@pytest.fixture
def small(tmp_path: Path) -> list[str]:
    """The flags of a run of three random networks on forty pictures of noise."""
    rng = np.random.default_rng(5)
    images, labels = rng.integers(0, 256, (40, 12, 12), dtype=np.uint8), rng.integers(0, 3, 40)
    np.savez(tmp_path / "data.npz", images=images, labels=labels, class_names=np.array(["bee", "cat", "dog"]))
    (tmp_path / "net.py").write_text(NET)
    (tmp_path / "run").mkdir()
    for epoch in (1, 5, 10):
        torch.manual_seed(epoch)
        features = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU())
        state = nn.ModuleDict({"features": features, "head": nn.Linear(576, 3)}).state_dict()
        torch.save(state, tmp_path / "run" / f"e{epoch}.pt")
    words = ["--model", f"{tmp_path / 'net.py'}:Net", "--weights", str(tmp_path / "run"), "--device", "cpu"]
    return [str(tmp_path / "data.npz"), *words, "--cache", str(tmp_path / "cache")]


def test_the_real_run(shared: Path, nets: Path, cache: str, capsys: pytest.CaptureFixture[str]) -> None:
    data, pattern = str(shared / "data" / "fer2013_trainval.npz"), str(shared / "models" / "jimpei_mnet_*.pt")
    words = ["timeline", data, "--split", "PublicTest", "--model", f"{nets}:MobileStack", "--cache", cache]
    assert main([*words, "--weights", pattern, "--device", "cpu", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    points = shown["checkpoints"]
    assert [point["accuracy"] for point in points] == pytest.approx([0.5570, 0.6018, 0.6166, 0.6194, 0.6180], abs=5e-4)

    rights = []  # the same from each file by itself, counted row by row
    for epoch in (25, 50, 75, 100, 125):
        weights = str(shared / "models" / f"jimpei_mnet_{epoch:03}.pt")
        settings = Settings(
            data, "PublicTest", model=f"{nets}:MobileStack", weights=(weights,), device="cpu", cache=cache
        )
        with open_session(settings) as session:
            scores = np.concatenate([part for _, part in session.engine().scores()])
            labels = session.dataset.labels
        rights.append(scores.argmax(1) == labels)
        fear = labels == 2
        assert points[len(rights) - 1]["recall"]["fear"] == pytest.approx(rights[-1][fear].mean())
    table = np.array(rights)
    for number, point in enumerate(points):
        stays = [n for n in range(3589) if table[number:, n].all() and not (number and table[number - 1, n])]
        assert point["learned"] == stays
    assert shown["forgotten"] == [n for n in range(3589) if table[:, n].any() and not table[-1, n]]
    assert shown["never"] == [n for n in range(3589) if not table[:, n].any()]
    assert shown["flips"] == np.abs(np.diff(table.astype(int), axis=0)).sum(0).tolist()

    assert main([*words, "--weights", pattern, "--device", "cpu", "--between", "25", "75"]) == 0
    told = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("fear:"))
    before, after = points[0], points[2]
    recalls = f"recall {before['recall']['fear']:.4f} at 025, {after['recall']['fear']:.4f} at 075"
    assert recalls in told
    neutral = [point["confusion"][2][6] for point in (before, after)]
    assert f"neutral ({neutral[0]} → {neutral[1]})" in told


def test_the_table_has_a_row_for_each_checkpoint(small: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["timeline", *small]) == 0
    told = capsys.readouterr().out
    lines = told.splitlines()
    assert lines[0].split() == ["checkpoint", "accuracy", "bee", "cat", "dog", "learned", "lost"]
    assert [line.split()[0] for line in lines[2:5]] == ["e1.pt", "e5.pt", "e10.pt"]
    assert lines[5].startswith("accuracy 0.") and "of 40 images" in told and "\x1b" not in told


def test_a_folder_counts_by_its_last_checkpoint(small: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["timeline", *small, "--json"]) == 0
    points = json.loads(capsys.readouterr().out)["checkpoints"]
    assert main(["evaluate", *small, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["confusion"] == points[2]["confusion"] != points[0]["confusion"]
    assert main(["evaluate", *small, "--checkpoint", "0", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["confusion"] == points[0]["confusion"]
    assert main(["explain", "confusion", "--data", *small, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["summary"]["counts"] == points[2]["confusion"]


def test_one_image_through_time(small: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "sheet.png"
    words = ["timeline", *small, "--image", "7", "--method", "saliency", "--target", "dog"]
    assert main([*words, "--out", str(out), "--json"]) == 0
    frames = json.loads(capsys.readouterr().out)["image"]
    assert [(frame["name"], frame["checkpoint"], frame["target_name"]) for frame in frames] == [
        ("1", 0, "dog"), ("5", 1, "dog"), ("10", 2, "dog"),
    ]  # fmt: skip
    with Image.open(out) as sheet:
        own = np.asarray(sheet.convert("RGB"))
    assert own.shape[1] > 3 * 144
    assert main([*words, "--out", str(out), "--shared-scale"]) == 0
    with Image.open(out) as sheet:
        shared = np.asarray(sheet.convert("RGB"))
    assert shared.shape[0] > own.shape[0]  # the bar of the scale
    assert f"written: {out}" in capsys.readouterr().err
    config = tmp_path / "gray.toml"
    config.write_text('[colours]\nsaliency = "gray"\n')
    assert main([*words, "--out", str(out), "--config", str(config)]) == 0
    capsys.readouterr()
    with Image.open(out) as sheet:
        gray = np.asarray(sheet.convert("RGB"))
    assert (np.ptp(gray.astype(int), axis=2) > 40).sum() < (np.ptp(own.astype(int), axis=2) > 40).sum() / 5
    for number, frame in enumerate(frames):
        assert main(["explain", "saliency", "--data", small[0], *small[1:], "--image", "7", "--target", "dog",
                     "--checkpoint", str(number), "--json"]) == 0  # fmt: skip
        alone = json.loads(capsys.readouterr().out)
        assert alone["place"]["checkpoint"] == number and frame["probabilities"].keys() == {"bee", "cat", "dog"}


def test_a_picture_of_ones_own_through_time(
    small: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.fromarray(np.arange(144, dtype=np.uint8).reshape(12, 12)).save(tmp_path / "mine.png")
    assert main(["timeline", *small, "--image", str(tmp_path / "mine.png"), "--method", "saliency", "--json"]) == 0
    frames = json.loads(capsys.readouterr().out)["image"]
    assert len(frames) == 3 and {frame["target"] for frame in frames} == {
        ["bee", "cat", "dog"].index(frames[-1]["predicted"])
    }
    assert all(frame["right"] is None for frame in frames)


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        (["--between", "1", "7"], "--between: no checkpoint '7': there are 1, 5, 10"),
        (["--between", "5", "e5.pt"], "--between: both are the same checkpoint"),
        (["--method", "confusion", "--image", "1"], "--method confusion: does not explain an image"),
        (["--image", "40"], "--image 40: there is no such row"),
        (["--out", "sheet.jpg"], "sheet.jpg: a sheet is written as .png"),
        (["--image", "1", "--layer", "nowhere"], "layer nowhere: the network has no such layer"),
    ],
)
def test_wrong_use_is_one_line(
    small: list[str], more: list[str], fault: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["timeline", *small, *more]) == 2
    told = capsys.readouterr()
    assert told.err.startswith(f"fer-tui: {fault}") and told.err.count("\n") == 1 and not told.out


def test_one_checkpoint_is_no_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["timeline", "--limit", "7", "--model", "fer-res"]) == 2
    assert capsys.readouterr().err.startswith("fer-tui: --weights: there is one checkpoint (name several, a folder")


def test_without_weights_it_is_the_bundled_training(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["timeline", "--limit", "35", "--json", "--cache", "none"]) == 0
    shown = json.loads(capsys.readouterr().out)
    accuracies = [each["accuracy"] for each in shown["checkpoints"]]
    assert len(accuracies) >= 10 and accuracies[-1] > 0.85 > 0.5 > accuracies[0]
    assert main(["timeline", "--limit", "35", "--json", "--cache", "none", "--weights", "builtin:run"]) == 0
    assert json.loads(capsys.readouterr().out) == shown


def test_focus_through_time_is_that_of_each_checkpoint(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with np.load(Path(fer_tui_samples.faces_path())) as stored:
        np.savez(tmp_path / "faces.npz", images=stored["images"][:28], labels=stored["labels"][:28],
                 class_names=stored["class_names"])  # fmt: skip
    state = load_file(fer_tui_samples.weights_path())
    for epoch, scale in ((1, 0.8), (2, 1.0)):
        torch.save({name: scale * value for name, value in state.items()}, tmp_path / f"n{epoch}.pt")
    words = ["--weights", str(tmp_path / "n*.pt"), "--device", "cpu", "--cache", str(tmp_path / "cache"), "--json"]
    data = str(tmp_path / "faces.npz")
    more = ["--regions", "layout", "--seed", "3"]
    assert main(["timeline", data, *words, "--focus", "3", "--method", "saliency", *more]) == 0
    found = json.loads(capsys.readouterr().out)["focus"]
    assert [each["name"] for each in found["checkpoints"]] == ["n1.pt", "n2.pt"]
    for number, each in enumerate(found["checkpoints"]):
        assert main(["focus", "saliency", data, *words, "--per-class", "3", *more, "--checkpoint", str(number)]) == 0
        alone = json.loads(capsys.readouterr().out)
        assert each["classes"] == alone["classes"] and each["whole"] == alone["whole"]
    assert found["checkpoints"][0]["classes"] != found["checkpoints"][1]["classes"]
    assert main(["timeline", data, *words[:-1], "--focus", "3", "--method", "saliency", *more]) == 0
    table = capsys.readouterr().out.partition("inside the face, %")[2]
    inside = found["checkpoints"][1]["classes"][3]["every"]["inside"]["absolute"]["value"]
    row = next(line for line in table.splitlines() if line.startswith("n2.pt"))
    assert row.split()[4] == f"{inside * 100:.1f}" and ("moved beyond its interval" in table or " % at 1, " in table)

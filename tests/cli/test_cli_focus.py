"""focus: the table by class, as text, JSON and CSV; the focus line and the focus view of explain."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import fer_tui_samples
from fer_tui.cli import main
from fer_tui.contract import Heatmap
from fer_tui.picture import heat_picture, load
from fer_tui.regions import focus, named_regions

REGIONS = ["eyes", "brows", "nose", "mouth", "rest of the face", "hand", "outside"]


pytestmark = pytest.mark.usefixtures("folder")


def test_the_samples_in_their_true_masks(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["focus", "saliency", "--per-class", "4", "--device", "cpu"]
    assert main(words) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out and "inside the face %" in out
    lines = [line.split() for line in out.splitlines()]
    assert [line[:2] for line in lines[2:10]] == [
        *([name, "4"] for name in ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")),
        ["all", "28"],
    ]
    assert lines[8][2] == "0.9400"  # recall is over all 350 faces
    assert "rank correlation of recall with the share inside the face, over 7 classes: " in out

    assert main([*words, "--json", "--out", "table.csv"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["method"], shown["regions"], shown["target"], shown["by"]) == (
        "saliency", "samples", "predicted", "true class",
    )  # fmt: skip
    assert [region["name"] for region in shown["whole"]["every"]["regions"]] == REGIONS
    for each in (*shown["classes"], shown["whole"]):
        assert sum(region["absolute"]["value"] for region in each["every"]["regions"]) == pytest.approx(1)
        assert sum(region["area"] for region in each["every"]["regions"]) == pytest.approx(1)
    inside = shown["whole"]["every"]["inside"]
    assert inside["absolute"]["low"] < inside["absolute"]["value"] < inside["absolute"]["high"]
    rows = list(csv.DictReader(Path("table.csv").read_text().splitlines()))
    (mine,) = [r for r in rows if (r["class"], r["of"], r["region"]) == ("fear", "every", "mouth")]
    mouth = shown["classes"][2]["every"]["regions"][3]
    assert [float(mine[key]) for key in ("absolute", "absolute_low", "positive_high", "area", "lift")] == pytest.approx(
        [mouth["absolute"]["value"], mouth["absolute"]["low"], mouth["positive"]["high"], mouth["area"],
         mouth["lift"]["value"]], rel=1e-5,
    )  # fmt: skip
    assert main([*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == shown  # seeded


def test_rows_and_classes_that_are_chosen(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["focus", "grad-cam", "--rows", "0-13,21", "--target", "FEAR", "--regions", "layout", "--json"]
    assert main(words) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["method"], shown["parameters"]["variant"], shown["regions"]) == ("cam", "grad", "layout")
    assert shown["whole"]["every"]["images"] == 15 and shown["classes"][0]["every"]["images"] == 3
    assert main([*words, "--share", "positive", "--layer", "features.conv1"]) == 0
    assert json.loads(capsys.readouterr().out)["whole"] != shown["whole"]


def test_masks_of_the_user_on_data_of_another_size(capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(0)
    names = ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]
    images = rng.integers(0, 256, (14, 60, 40), dtype=np.uint8)
    np.savez("mine.npz", images=images, labels=np.arange(14) % 7, class_names=np.array(names))
    upper = np.zeros((60, 40), np.uint8)
    upper[:30] = 1
    np.savez("masks.npz", upper=upper)
    words = ["focus", "saliency", "mine.npz", "--fit", "pad", "--json"]
    assert main([*words, "--regions", "masks.npz"]) == 0
    shown = json.loads(capsys.readouterr().out)
    found, outside = shown["whole"]["every"]["regions"]
    assert (found["name"], found["area"]) == ("upper", pytest.approx(32 / 48 / 2))  # 60 x 40 padded to 48 x 48
    assert found["absolute"]["value"] + outside["absolute"]["value"] == pytest.approx(1)
    for regions, told in (
        ("auto", "regions auto: known are"),
        ("layout", "layout:scaled"),
        ("samples", "other data are open"),
    ):
        assert main([*words, "--regions", regions]) == 2
        assert told in capsys.readouterr().err
    assert main([*words, "--regions", "layout:scaled"]) == 0
    assert json.loads(capsys.readouterr().out)["whole"]["every"]["regions"][-1]["area"] > 0.43 * 2 / 3


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["confusion"], "method confusion: makes a matrix, no heat map"),
        (["saliency", "--rows", "3-1"], "'3-1' is neither a row nor a range such as 0-99"),
        (["saliency", "--rows", "350"], "row 350: there is no such row"),
        (["saliency", "--per-class", "0"], "at least 1 is needed"),
        (["saliency", "--target", "feer"], "did you mean fear?"),
        (["saliency", "--out", "table.txt"], "name a .csv in a folder that is there"),
        (["saliency", "--regions", "none.npz"], "none.npz: there is no such file"),
        (["salincy"], "did you mean saliency?"),
        (["saliency", "--layer", "features.conf1", "-p", "steps=3"], "layer"),
    ],
)
def test_what_is_wrong_is_one_line(words: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["focus", *words, "--limit", "14" if "350" not in words else "350"]) == 2
    shown = capsys.readouterr()
    assert told in shown.err and len(shown.err.splitlines()) == 1 and not shown.out


# ---- explain ---------------------------------------------------------------------------------------------------------


def test_the_focus_of_one_map(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["explain", "saliency", "--image", "6", "--regions"]
    assert main([*words, "auto", "--json", "--out", "map.npz"]) == 0
    shown = json.loads(capsys.readouterr().out)["focus"]
    saved = load("map.npz")
    assert isinstance(saved, Heatmap)
    expected = focus(saved, "samples", row=6)
    assert shown == json.loads(json.dumps(expected.to_dict())) and list(shown) == REGIONS
    masks = fer_tui_samples.load_masks()
    mouth = np.abs(saved.values[masks["mouth"][6]]).sum() / np.abs(saved.values).sum()
    assert shown["mouth"]["absolute"] == pytest.approx(float(mouth), rel=1e-5)
    assert main([*words, "samples"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == expected.words()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (48, 48), np.uint8)).save("face.png")
    assert main(["explain", "saliency", "--image", "face.png", "--regions", "layout"]) == 0
    assert "focus: eyes " in capsys.readouterr().out
    assert main(["explain", "saliency", "--image", "face.png", "--regions", "auto"]) == 2
    assert "regions auto: known are" in capsys.readouterr().err
    assert main(["explain", "confusion", "--limit", "7", "--regions", "auto"]) == 2
    assert "a matrix has no focus" in capsys.readouterr().err


def test_the_focus_picture_by_quantile_and_by_sigma(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["explain", "saliency", "--image", "6", "--out"]
    assert main([*words, "map.npz"]) == main([*words, "plain.png"]) == 0
    saved = load("map.npz")
    assert isinstance(saved, Heatmap)
    for rule, look in (
        (["--view", "focus"], {}),
        (["--focus-rule", "quantile:.9"], {"focus": 0.9}),
        (["--view", "focus", "--focus-rule", "sigma:1.5"], {"focus": 1.5, "focus_by": "sigma"}),
    ):
        assert main([*words, "focus.png", *rule]) == 0
        wanted = np.asarray(heat_picture(saved, mode="focus", **look))  # type: ignore[arg-type]
        with Image.open("focus.png") as picture:
            drawn = np.asarray(picture.convert("RGB"))[12 : 12 + 384, 12 + 394 : 12 + 394 + 384]  # the second panel
        assert (drawn[4::8, 4::8] == wanted).all()
    capsys.readouterr()
    for wrong, told in (
        (["--focus-rule", "sigma"], "'sigma' is neither quantile:Q, Q from 0 to 1, nor sigma:K, chosen or for"),
        (["--focus-rule", "quantile:2"], "'quantile:2' is neither"),
        (["--focus-rule", "sgima:1"], "did you mean sigma?"),
        (["--view", "fokus"], "did you mean focus?"),
        (["--view", "map", "--focus-rule", "sigma:1"], "--focus-rule is for the focus, and --view map is given"),
    ):
        assert main([*words, "x.png", *wrong]) == 2
        assert told in capsys.readouterr().err and not Path("x.png").exists()


def test_real_faces_in_the_layout(hhccode: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """What hhccode reads on PublicTest, coarsely: the middle of the face, and the outside less than its area."""
    assert main(["focus", "cam", *hhccode, "--per-class", "15", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["regions"] == "layout" and shown["classes"][3]["recall"] == pytest.approx(0.857, abs=0.001)
    lifts = {each["name"]: each["lift"] for each in shown["whole"]["every"]["regions"]}
    assert lifts["nose"]["low"] > 1.5 and lifts["outside"]["high"] < 0.9
    assert named_regions("layout").names == tuple(lifts)

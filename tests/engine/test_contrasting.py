"""Contrasts, against autograd and numpy: one image, a cell's mean, the shares of regions and their intervals."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from fer_tui.cli import main
from fer_tui.contract import Heatmap, InputError, Place
from fer_tui.engine import Session, open_session
from fer_tui.engine.contrasting import Cell, cell_contrast, contrast
from fer_tui.engine.settings import Settings
from fer_tui.regions import regions_of
from fer_tui.regions.contrast import averaged, contrast_words, signed_shares


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Session:
    cache = tmp_path_factory.mktemp("cache")
    return open_session(Settings(device="cpu", cache=str(cache), limit=60))


def made(session: Session, method: str, row: int, target: int, against: int, **parameters: object) -> Heatmap:
    engine = session.engine()
    task = engine.task(method, Place(row, target), parameters)
    found = [result.explanation for result in contrast(engine, task, against) if result.final]
    assert isinstance(found[-1], Heatmap)
    return found[-1]


@pytest.mark.parametrize("score", ["logit", "log-probability"])
def test_a_gradient_contrast_is_the_gradient_of_the_difference_of_two_scores(session: Session, score: str) -> None:
    classifier = session.classifier
    inputs = classifier.inputs([session.dataset[3].image]).requires_grad_()
    scores = classifier.scores(inputs)[0]
    (gradient,) = torch.autograd.grad(scores[4] - scores[2], inputs)
    heatmap = made(session, "saliency", 3, 4, 2, score=score)
    assert heatmap.signed and heatmap.values == pytest.approx(gradient[0, 0].numpy(), abs=1e-5)
    assert heatmap.meta["linear"] and heatmap.meta["against"] == 2
    assert heatmap.notes[0].startswith("the map of score(sad) - score(fear)")
    again = made(session, "saliency", 3, 4, 2, score=score)
    assert np.array_equal(again.values, heatmap.values) and again.notes == heatmap.notes


def test_a_cam_contrast_is_the_map_of_the_difference(session: Session) -> None:
    classifier, kept = session.classifier, {}
    layer = "features.stage2.1.conv2"
    module = dict(classifier.module.named_modules())[layer]
    hook = module.register_forward_hook(lambda *at: kept.update(maps=at[2]))
    scores = classifier.scores(classifier.inputs([session.dataset[0].image]).requires_grad_())[0]
    hook.remove()
    (gradient,) = torch.autograd.grad(scores[1] - scores[0], kept["maps"])
    small = (gradient.mean((2, 3), keepdim=True) * kept["maps"]).sum(1, keepdim=True)
    wanted = torch.nn.functional.interpolate(small, size=(48, 48), mode="bilinear", align_corners=False)[0, 0]
    engine = session.engine()
    task = engine.task("cam", Place(0, 1, layer), {"variant": "grad", "positive": True})
    (*_, last) = contrast(engine, task, 0)
    assert last.explanation.values == pytest.approx(wanted.detach().numpy(), abs=1e-4)


def test_what_is_not_linear_is_said_to_be_two_maps(session: Session) -> None:
    engine = session.engine()
    one, other = (
        next(iter(engine.explain("saliency", Place(1, target), {"variant": "guided"}))).explanation.values
        for target in (2, 5)
    )
    heatmap = made(session, "saliency", 1, 2, 5, variant="guided")
    assert np.array_equal(heatmap.values, one - other) and not heatmap.meta["linear"]
    assert heatmap.notes[0].startswith("the difference of two maps, fear - surprise")


def test_what_has_no_difference_is_refused(session: Session) -> None:
    engine = session.engine()
    for method, parameters, fault in (
        ("cam", {"variant": "eigen"}, "no heat maps that hang on a class"),
        ("confusion", {}, "no heat maps"),
    ):
        with pytest.raises(InputError, match=fault):
            list(contrast(engine, engine.task(method, Place(0, 1), parameters), 0))
    with pytest.raises(InputError, match="is the explained one"):
        list(contrast(engine, engine.task("saliency", Place(0, 1), {}), 1))
    with pytest.raises(InputError, match="no image of angry is taken for disgust"):
        list(cell_contrast(engine, "saliency", Cell(0, 1)))


def test_a_cell_is_averaged_and_its_regions_have_intervals(session: Session) -> None:
    dataset = session.dataset
    mask = np.zeros((48, 48), bool)
    mask[30:44] = True
    regions = regions_of({"low": mask})
    scores = session.classifier.predict([dataset[row].image for row in range(len(dataset))])
    rows = np.flatnonzero(scores.argmax(1) == 3)
    maps = [made(session, "saliency", int(row), 3, 4) for row in rows]
    shares = np.array([signed_shares(each, regions, row=None, picture=(48, 48), fit="stretch") for each in maps])
    strength = np.array([np.abs(each.values).sum() for each in maps])
    assert shares[:, 0] == pytest.approx([each.values[30:44].sum() for each in maps] / strength, abs=1e-5)
    low, outside = averaged(regions.names, shares)
    assert low["share"] == pytest.approx(shares[:, 0].mean()) and low["low"] <= low["share"] <= low["high"]
    assert averaged(regions.names, shares[:1])[0]["low"] is None
    lines = list(contrast_words([{**low, "share": 0.2, "low": 0.1, "high": 0.3}, outside], "happy", "sad"))
    assert lines[0].startswith("for happy: low 20% [10%, 30%]") and lines[1].startswith("for sad: ")


def test_the_command_averages_the_images_of_a_cell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (40, 12, 10), np.uint8), np.zeros(40, np.int64)
    np.savez(tmp_path / "noise.npz", images=images, labels=labels, class_names=np.array(["bee", "cat"]))
    code = "import torch\nfrom torch import nn\n\nclass Net(nn.Module):\n    def __init__(self):\n"
    code += "        super().__init__()\n        torch.manual_seed(1)\n        self.hidden = nn.Linear(120, 9)\n"
    code += "        self.head = nn.Linear(9, 2)\n\n    def forward(self, x):\n"
    code += "        return self.head(torch.tanh(3 * self.hidden(x.flatten(1) - 0.5)))\n"
    (tmp_path / "net.py").write_text(code)
    flags = ["--data", str(tmp_path / "noise.npz"), "--model", f"{tmp_path / 'net.py'}:Net", "--device", "cpu"]
    flags += ["--cache", str(tmp_path / "cache")]
    out = tmp_path / "cell.npz"
    asked = ["explain", "saliency", "--target", "cat", "--against", "bee", *flags]
    assert main([*asked, "--cell", "5", "--out", str(out)]) == 0
    with open_session(Settings(data=flags[1], model=flags[3], device="cpu", cache=flags[7])) as opened:
        engine = opened.engine()
        there = np.flatnonzero(opened.classifier.predict(list(images)).argmax(1) == 1)
        assert 5 < len(there) < 40
        drawn = np.random.default_rng([0, 0, 1]).permutation(there)[:5]
        inputs = opened.classifier.inputs([images[row] for row in drawn]).requires_grad_()
        scores = opened.classifier.scores(inputs)
        (gradient,) = torch.autograd.grad((scores[:, 1] - scores[:, 0]).sum(), inputs)
        steps = list(cell_contrast(engine, "saliency", Cell(0, 1), pause=0.001))
    with np.load(out) as saved:
        assert saved["values"] == pytest.approx(gradient[:, 0].mean(0).numpy(), abs=1e-5)
    assert steps[-1][0] == 1 and steps[-1][1] is not None and steps[-1][1].meta["images"] == len(there)
    capsys.readouterr()
    assert main([*asked, "--image", "3", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["meta"]["against"] == 0
    assert main([*asked, "--image", "3", "--cell"]) == 2 and "--cell takes" in capsys.readouterr().err

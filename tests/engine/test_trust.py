"""Trust: curves against a plain loop, ranks against scipy, and maps that deserve trust or do not."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from fer_tui import plugins
from fer_tui.classifier import TorchClassifier, open_classifier
from fer_tui.contract import Axis, Explainer, Heatmap, InputError, Parameters, Place, Result, Subject
from fer_tui.dataset import open_dataset
from fer_tui.engine import Engine, Settings, open_session
from fer_tui.engine.check import Finding, run_checks
from fer_tui.engine.trust import Trust, curves, rank_correlation, trust


class Corner(nn.Module):
    """The first class's score is the roughness of the upper left quarter: the last layer's weights say which."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.fc = nn.Conv2d(1, 1, 3, padding=1, bias=False), nn.Linear(4, 3)
        with torch.no_grad():
            self.conv.weight.copy_(torch.tensor([[[[0.0, -1, 0], [-1, 4, -1], [0, -1, 0]]]]))
            self.fc.weight.copy_(torch.tensor([[3.0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]))
            self.fc.bias.copy_(torch.tensor([0.0, 2, 1]))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc(nn.functional.avg_pool2d(self.conv(x).square(), 4).flatten(1))


class _Map(Explainer[Parameters]):
    title = help = version = "1"
    kind = "heatmap"
    axes = frozenset({Axis.IMAGE, Axis.TARGET, Axis.CHECKPOINT})

    def values(self, subject: Subject, seed: int) -> np.ndarray:
        raise NotImplementedError

    def explain(self, subject: Subject, parameters: Parameters) -> Iterator[Result]:
        shown = subject.classifier.shown(subject.image)
        values = self.values(subject, parameters.seed).astype(np.float32)
        yield Result(subject.place, Heatmap(values=values, image=shown))


class Gradient(_Map):
    name = "gradient"

    def values(self, subject: Subject, seed: int) -> np.ndarray:
        x = subject.classifier.inputs([subject.image]).requires_grad_()
        score = subject.classifier.scores(x)[0, subject.place.target]
        return torch.autograd.grad(score, x)[0][0, 0].abs().numpy()


class Edges(_Map):
    """Looks like an explanation and knows nothing of the network."""

    name = "edges"

    def values(self, subject: Subject, seed: int) -> np.ndarray:
        return np.abs(np.gradient(subject.classifier.shown(subject.image).astype(float))[0])


class Dice(_Map):
    name = "dice"

    def values(self, subject: Subject, seed: int) -> np.ndarray:
        return np.random.default_rng(seed).random((8, 8))


@pytest.fixture
def corner(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> Engine:
    known = {each.name: each for each in (Gradient, Edges, Dice)}
    monkeypatch.setattr(plugins, "names", lambda: tuple(known))
    monkeypatch.setattr(plugins, "load", known.__getitem__)
    rng = np.random.default_rng(4)
    images, labels = rng.integers(0, 256, (12, 8, 8), dtype=np.uint8), np.arange(12) % 3
    dataset = open_dataset((images, labels), classes=["a", "b", "c"], cache=str(tmp_path))
    classifier = open_classifier(Corner().eval(), size=(8, 8), classes=["a", "b", "c"], device="cpu")
    return Engine(classifier, dataset)


def found(engine: Engine, method: str, row: int = 0) -> Trust:
    *steps, (done, last) = trust(engine.task(method, Place(image=row, target=0), {}))
    assert done == 1 and last is not None and all(each is None for _, each in steps)
    assert [share for share, _ in steps] == sorted(share for share, _ in steps)
    return last


def test_curves_equal_a_plain_loop(corner: Engine) -> None:
    subject = corner.task("gradient", Place(image=3), {}).subject
    strength = np.random.default_rng(0).random((8, 8)).astype(np.float32)
    made = curves(subject, strength)
    classifier: TorchClassifier = corner.classifier
    x = classifier.inputs([subject.image])
    from fer_tui.engine.trust import _blurred

    baseline, order = _blurred(x[0]), np.argsort(-strength, axis=None, kind="stable")
    shares: list[tuple[float, float]] = []
    for step in range(33):
        gone = np.zeros(64, bool)
        gone[order[: round(step * 64 / 32)]] = True
        mask = torch.from_numpy(gone.reshape(8, 8))
        with torch.no_grad():
            pair = [torch.where(mask, baseline, x[0]), torch.where(mask, x[0], baseline)]
            scores = classifier.scores(torch.stack(pair)).softmax(1)[:, subject.place.target]
            shares.append((scores[0].item(), scores[1].item()))
    expected = [sum((a + b) / 2 for a, b in itertools.pairwise(each)) / 32 for each in zip(*shares, strict=True)]
    assert (made.deletion, made.insertion) == pytest.approx(tuple(expected), abs=1e-5)


def test_ranks_are_scipys() -> None:
    stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(0)
    a, b = (rng.integers(-5, 6, (9, 7)).astype(np.float32) for _ in range(2))
    assert rank_correlation(a, b) == pytest.approx(stats.spearmanr(np.abs(a).ravel(), np.abs(b).ravel()).statistic)
    assert rank_correlation(a, np.ones_like(a)) is None


def test_a_map_of_the_evidence_beats_random_orders(corner: Engine) -> None:
    for row in range(4):
        made = found(corner, "gradient", row).curves
        assert made.insertion - made.deletion > made.random_insertion - made.random_deletion


def test_a_map_that_ignores_the_network_is_found_out(corner: Engine) -> None:
    edges, gradient = found(corner, "edges"), found(corner, "gradient")
    assert [layer for layer, _ in edges.randomised] == ["fc", "conv"]
    assert all(rho == pytest.approx(1) for _, rho in edges.randomised)
    assert gradient.randomised[-1][1] < 0.99 and gradient.stability == pytest.approx(1)


def test_a_map_of_dice_is_not_stable(corner: Engine) -> None:
    assert abs(found(corner, "dice").stability) < 0.5


def test_the_network_is_left_alone(corner: Engine) -> None:
    before = {name: each.clone() for name, each in corner.classifier.module.state_dict().items()}
    found(corner, "gradient")
    assert all(torch.equal(each, before[name]) for name, each in corner.classifier.module.state_dict().items())


def test_deep_checks_tell_trust_from_mistrust(corner: Engine) -> None:
    def ok(method: str) -> dict[str, bool]:
        findings: list[Finding] = list(run_checks(corner, [method], deep=True))
        return {each.check: each.ok for each in findings if each.check in ("pixels matter", "weights matter", "stable")}

    assert ok("gradient") == {"pixels matter": True, "weights matter": True, "stable": True}
    assert ok("edges")["weights matter"] is False
    assert ok("dice")["stable"] is False
    assert {each.check for each in run_checks(corner, ["gradient"])}.isdisjoint({"pixels matter", "stable"})


# ---- judged maps -----------------------------------------------------------------------------------------------------


def test_a_judged_map_is_the_map_with_numbers_verdicts_and_notes(corner: Engine) -> None:
    task = corner.task("edges", Place(image=1, target=0), {})
    *steps, last = corner.judge(task)
    assert last.final and last.place == task.place and not any(each.final for each in steps)
    (alone,) = [each for each in corner.run(task) if each.final]
    judged = last.explanation
    assert np.array_equal(judged.values, alone.explanation.values) and np.array_equal(
        judged.image, alone.explanation.image
    )
    numbers = judged.meta["trust"]
    expected = found(corner, "edges", 1)
    assert numbers["curves"]["deletion"] == pytest.approx(expected.curves.deletion)
    assert judged.extras["randomised"] == pytest.approx([rho for _, rho in expected.randomised])
    assert numbers["verdicts"]["weights matter"] is False and numbers["verdicts"]["stable"] is True
    assert "complete" not in numbers["verdicts"], "the method promises no completeness"
    assert any(note.startswith("it hardly hangs on what the network has learned: rank") for note in judged.notes)


def test_completeness_is_that_of_integrated_gradients(tmp_path: Path) -> None:
    with open_session(Settings(limit=7, device="cpu", cache=str(tmp_path))) as session:
        engine = session.engine()
        (coarse, fine) = (
            list(engine.judge(engine.task("saliency", Place(image=2), {"variant": "integrated", "steps": steps})))[-1]
            for steps in (1, 50)
        )
        for each in (coarse, fine):
            meta, values = each.explanation.meta, each.explanation.values.astype(np.float64)
            difference = meta["score"] - meta["baseline_score"]
            share = abs(values.sum() - difference) / abs(difference)
            assert meta["trust"]["completeness"] == pytest.approx(share, rel=1e-3, abs=1e-6)
        assert fine.explanation.meta["trust"]["verdicts"]["complete"]
        again = list(engine.judge(engine.task("saliency", Place(image=2), {"variant": "integrated", "steps": 50})))
        assert len(again) == 1 and again[0].final, "judged maps are stored"
        assert again[0].explanation.meta["trust"] == fine.explanation.meta["trust"]
        with pytest.raises(InputError, match="makes no heat map"):
            list(engine.judge(engine.task("confusion", Place(), {})))


def test_judging_can_be_stopped_anywhere_and_tells_whose_fault_it_was(corner: Engine) -> None:
    task = corner.task("gradient", Place(image=0, target=0), {})
    _, steps = (len(list(corner.judge(task))) for _ in range(2))  # what random orders give is known from then on
    for stop in range(1, steps):
        judging = corner.judge(task)
        for _ in range(stop):
            next(judging)
        judging.close()
        assert not corner.classifier.module.conv._forward_hooks

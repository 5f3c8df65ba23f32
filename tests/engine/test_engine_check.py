from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pytest
import torch
from torch import nn

from fer_tui import plugins
from fer_tui.classifier import TorchClassifier, open_classifier
from fer_tui.contract import Axis, Explainer, Heatmap, InputError, Parameters, PluginError, Result, Sample, Subject
from fer_tui.engine import Engine
from fer_tui.engine.check import Finding, run_checks

CLASSES = ("a", "b", "c")


class Rows:
    """Twelve pictures as a dataset; the last three without a label."""

    classes, digest, key = CLASSES, "rows", "rows"
    labels = np.array([0, 1, 2] * 3 + [-1] * 3)

    def __init__(self) -> None:
        self._images = np.random.default_rng(0).integers(0, 256, (12, 6, 6), dtype=np.uint8)
        self.asked: list[int] = []

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, row: int) -> Sample:
        self.asked.append(row)
        return Sample(self._images[row], int(self.labels[row]), str(row))

    def images(self, start: int, stop: int) -> np.ndarray:
        return self._images[start:stop]

    def image_digest(self, row: int) -> str:
        return str(row)

    def aligned(self, classes: tuple[str, ...]) -> Rows:
        return self


class Sound(Explainer[Parameters]):
    """The gradient, with nothing wrong; the others each break one promise."""

    name = "sound"
    title = help = version = "1"
    kind = "heatmap"
    axes = frozenset({Axis.IMAGE, Axis.TARGET, Axis.CHECKPOINT})
    cost = "cheap"

    def values(self, subject: Subject) -> np.ndarray:
        x = subject.classifier.inputs([subject.image]).requires_grad_()
        score = subject.classifier.scores(x)[0, subject.place.target]
        return torch.autograd.grad(score, x)[0][0, 0].numpy()

    def explain(self, subject: Subject, parameters: Parameters) -> Iterator[Result]:
        values = self.values(subject)
        image = np.zeros(values.shape, np.uint8)
        yield Result(subject.place, Heatmap(values=values, image=image))


class NotFinite(Sound):
    def values(self, subject: Subject) -> np.ndarray:
        values = super().values(subject).copy()
        values[0, 0] = np.nan
        return values


class Constant(Sound):
    def values(self, subject: Subject) -> np.ndarray:
        return np.ones((6, 6), np.float32)


class WrongShape(Sound):
    def values(self, subject: Subject) -> np.ndarray:
        return super().values(subject)[:3, :3]


class Unseeded(Sound):
    def values(self, subject: Subject) -> np.ndarray:
        return super().values(subject) + np.random.default_rng().random((6, 6), np.float32)


class OtherBatch(Sound):
    def explain_many(self, subjects: Sequence[Subject], parameters: Parameters) -> Iterator[Result]:
        for subject in subjects:
            values = self.values(subject) * np.float32(1.001)
            yield Result(subject.place, Heatmap(values=values, image=np.zeros((6, 6), np.uint8)))


class Meddler(Sound):
    def values(self, subject: Subject) -> np.ndarray:
        values = super().values(subject)
        with torch.no_grad():
            next(subject.classifier.module.parameters()).view(-1)[0].add_(1e-7)
        return values


class Raiser(Sound):
    def values(self, subject: Subject) -> np.ndarray:
        raise RuntimeError("no luck \x1b[31m")


class NeverFinal(Sound):
    def explain(self, subject: Subject, parameters: Parameters) -> Iterator[Result]:
        for result in super().explain(subject, parameters):
            yield Result(result.place, result.explanation, final=False)


@pytest.fixture
def engine() -> Engine:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(64, 3))
    classifier: TorchClassifier = open_classifier(network.eval(), size=(6, 6), classes=CLASSES, device="cpu")
    return Engine(classifier, Rows())


def install(monkeypatch: pytest.MonkeyPatch, explainer: type[Explainer]) -> None:
    """Only this explainer is found, under the name `tried`."""
    monkeypatch.setattr(plugins, "names", lambda: ("tried",))
    monkeypatch.setattr(plugins, "load", lambda name: explainer)


def failed(findings: Sequence[Finding]) -> dict[str, str]:
    return {each.check: each.detail for each in findings if not each.ok}


def test_the_installed_explainers_keep_their_promises(engine: Engine) -> None:
    findings = list(run_checks(engine, ["saliency", "confusion"]))
    assert failed(findings) == {}
    checks = ["loads", "runs", "finite", "shape", "not constant", "the same twice", "batch = alone", "model untouched"]
    assert [each.check for each in findings if each.method == "saliency"] == checks
    details = {(each.method, each.check): each.detail for each in findings}
    assert details["saliency", "runs"].startswith("6 explanations")
    assert details["saliency", "shape"] == "6 x 6"
    assert details["confusion", "adds up"] == "3 counted of 3 rows with a label"


def test_all_installed_explainers_are_checked_on_a_few_rows_of_each_class(engine: Engine) -> None:
    methods = {each.method for each in run_checks(engine)}
    assert methods == set(plugins.names()) >= {"saliency", "confusion"}
    assert set(engine.dataset.asked) == {0, 1, 2, 3, 4, 5}


def test_what_a_network_has_no_layers_for_is_no_failure() -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(36, 8), nn.ReLU(), nn.Linear(8, 3))
    classifier = open_classifier(network.eval(), size=(6, 6), classes=CLASSES, device="cpu")
    findings = list(run_checks(Engine(classifier, Rows()), ["cam", "filter-ascent", "saliency"], deep=True))
    assert {each.method for each in findings if not each.ok} <= {"saliency"}  # what `deep` thinks of a random network
    told = {each.method: each.detail for each in findings if each.check == "applies"}
    assert told.keys() == {"cam", "filter-ascent"}
    assert all(each.startswith("not to this network: layer: ") for each in told.values())
    assert [each.check for each in findings if each.method == "cam"] == ["loads", "applies", "model untouched"]


@pytest.mark.parametrize(
    ("explainer", "broken"),
    [
        (Sound, set()),
        (NotFinite, {"finite"}),
        (Constant, {"not constant"}),
        (WrongShape, {"runs"}),
        (Unseeded, {"the same twice", "batch = alone"}),
        (OtherBatch, {"batch = alone"}),
        (Meddler, {"model untouched"}),
        (Raiser, {"runs"}),
        (NeverFinal, {"runs"}),
    ],
)
def test_a_broken_promise_is_found(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, explainer: type[Explainer], broken: set[str]
) -> None:
    install(monkeypatch, explainer)
    findings = list(run_checks(engine))
    assert set(failed(findings)) == broken, findings
    assert all("\x1b" not in each.detail and "\n" not in each.detail for each in findings)


def test_the_findings_have_numbers(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, OtherBatch)
    assert failed(list(run_checks(engine)))["batch = alone"].startswith(
        "largest difference 1.0e-03 of the largest value"
    )
    install(monkeypatch, NotFinite)
    assert failed(list(run_checks(engine)))["finite"] == "6 of 216 values are not finite"
    install(monkeypatch, Meddler)
    assert failed(list(run_checks(engine)))["model untouched"].startswith("it left behind other values in 1 t")


def test_an_explainer_that_cannot_be_loaded_is_a_finding(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, Sound)

    def load(name: str) -> type[Explainer]:
        raise PluginError(name, "ImportError: no module named x")

    monkeypatch.setattr(plugins, "load", load)
    assert [(each.check, each.ok) for each in run_checks(engine)] == [("loads", False)]


def test_an_unknown_method_is_wrong_use_before_anything_runs(engine: Engine) -> None:
    with pytest.raises(InputError, match=r"did you mean saliency\?"):
        list(run_checks(engine, ["salience"]))


def test_without_samples_it_says_so(engine: Engine) -> None:
    with pytest.raises(InputError, match="no samples to check on"):
        list(run_checks(Engine(engine.classifier, None)))

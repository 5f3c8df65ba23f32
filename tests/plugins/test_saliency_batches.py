"""Many images, better and better maps, and nothing left behind: the same for every variant."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.stats import rankdata
from torch import Tensor, nn

from fer_tui.classifier import TorchClassifier, open_classifier
from fer_tui.contract import InputError, Place, Result, Subject
from fer_tui.dataset import open_dataset
from fer_tui.engine import Engine
from fer_tui_plugins.saliency import Saliency, SaliencyParameters

VARIANTS = SaliencyParameters.__dataclass_fields__["variant"].metadata["choices"]
STEPWISE = ("integrated", "smoothgrad", "smoothgrad-squared", "vargrad", "occlusion")
each_variant = pytest.mark.parametrize("variant", VARIANTS)


def network(relu: nn.Module | None = None) -> nn.Module:
    torch.manual_seed(6)
    return nn.Sequential(
        nn.Conv2d(1, 6, 3), nn.BatchNorm2d(6), relu or nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d(4), nn.Flatten(),
        nn.Linear(96, 3),
    )  # fmt: skip


def opened(module: nn.Module, size: int = 24) -> TorchClassifier:
    return open_classifier(module.eval(), size=(size, size), classes=["a", "b", "c"], device="cpu")


def subjects_of(classifier: TorchClassifier, count: int) -> list[Subject]:
    _, height, width = classifier.input_shape
    images = np.random.default_rng(3).integers(0, 256, (count, height, width), dtype=np.uint8)
    return [Subject(classifier, Place(image=n, target=n % 3), image, n % 3) for n, image in enumerate(images)]


def finals(results: Iterator[Result]) -> list[Result]:
    return [result for result in results if result.final]


def alone(subject: Subject, parameters: SaliencyParameters) -> np.ndarray:
    return finals(Saliency().explain(subject, parameters))[-1].explanation.values


# ---- batches ---------------------------------------------------------------------------------------------------------


@each_variant
def test_many_are_the_same_as_each_alone(variant: str) -> None:
    subjects = subjects_of(opened(network()), 18)
    for score in ("logit", "loss"):
        parameters = SaliencyParameters(variant=variant, score=score)
        made = finals(Saliency().explain_many(subjects, parameters))
        assert [result.place for result in made] == [subject.place for subject in subjects]
        for subject, result in zip(subjects, made, strict=True):
            single = alone(subject, parameters)
            assert np.abs(result.explanation.values - single).max() <= 1e-5 * np.abs(single).max()
            assert "network" not in result.explanation.meta


@each_variant
def test_many_real_images_are_the_same_as_each_alone(variant: str, public: tuple, hhccode: TorchClassifier) -> None:
    """Passes of several images share batches, whose ends fall anywhere within an image's own."""
    images = zip(public[0][:5], (3, 0, 6, 3, 1), strict=True)
    subjects = [
        Subject(hhccode, Place(image=n, target=target), image, target) for n, (image, target) in enumerate(images)
    ]
    parameters = SaliencyParameters(variant=variant, steps=7, samples=9, noise=0.2, window=12, seed=2)
    made = finals(Saliency().explain_many(subjects, parameters))
    for subject, result in zip(subjects, made, strict=True):
        (single,) = finals(Saliency().explain(subject, parameters))
        a, b = result.explanation, single.explanation
        assert result.place == single.place and a.notes == b.notes and a.meta.keys() == b.meta.keys()
        assert np.abs(a.values - b.values).max() <= 1e-5 * np.abs(b.values).max()
        for name in a.meta.keys() & {"score", "baseline_score", "noise"}:
            assert a.meta[name] == pytest.approx(b.meta[name], rel=1e-5)


@each_variant
def test_an_image_whose_numbers_are_not_finite_leaves_the_others_alone(variant: str) -> None:
    class Overflows(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = network()

        def forward(self, x: Tensor) -> Tensor:
            return self.body(x) * torch.exp(1e4 * (x.mean((1, 2, 3)) - 0.7).relu())[:, None]

    subjects = subjects_of(opened(Overflows()), 5)
    subjects[2] = replace(subjects[2], image=np.full((24, 24), 255, np.uint8))
    parameters = SaliencyParameters(variant=variant, samples=6, steps=6, window=12, signed="true")
    made = finals(Saliency().explain_many(subjects, parameters))
    for n, (subject, result) in enumerate(zip(subjects, made, strict=True)):
        assert any("not finite" in note for note in result.explanation.notes) == (n == 2)
        if n != 2:
            single = alone(subject, parameters)
            assert np.abs(result.explanation.values - single).max() <= 1e-5 * np.abs(single).max()


def test_noise_that_does_not_stay_in_memory_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    subjects = subjects_of(opened(network()), 4)
    parameters = SaliencyParameters(variant="smoothgrad", samples=21, seed=8)
    expected = finals(Saliency().explain_many(subjects, parameters))
    monkeypatch.setattr("fer_tui_plugins.saliency_noise._KEPT", 0)
    for a, b in zip(finals(Saliency().explain_many(subjects, parameters)), expected, strict=True):
        assert np.array_equal(a.explanation.values, b.explanation.values)


def test_regions_of_many_images_are_their_own(tmp_path: Path) -> None:
    subjects = subjects_of(opened(network()), 6)
    rows = np.random.default_rng(1).random((6, 24, 24)) < 0.3
    np.savez(tmp_path / "masks.npz", part=rows, corner=np.triu(np.ones((24, 24), np.bool_)))
    parameters = SaliencyParameters(variant="occlusion", regions=str(tmp_path / "masks.npz"))
    made = finals(Saliency().explain_many(subjects, parameters))
    for row, (subject, result) in enumerate(zip(subjects, made, strict=True)):
        (single,) = finals(Saliency().explain(subject, parameters))
        extras = result.explanation.extras
        assert extras["pixels"].tolist() == [rows[row].sum(), 300]
        assert extras["drops"] == pytest.approx(single.explanation.extras["drops"], rel=1e-4)


@each_variant
def test_many_are_explained_on_a_folded_copy_that_is_named(variant: str) -> None:
    subjects = subjects_of(opened(network()), 64)
    parameters = SaliencyParameters(variant=variant, samples=2, steps=4, window=12)
    made = finals(Saliency().explain_many(subjects, parameters))
    rectified = variant in ("guided", "deconvolution")
    for subject, result in zip(subjects[:5], made[:5], strict=True):
        how = result.explanation.meta.get("network")
        assert how == (None if rectified else "1 batch norms folded, channels last")
        single = alone(subject, parameters)
        assert np.abs(result.explanation.values - single).max() <= 1e-3 * np.abs(single).max()
    exact = finals(Saliency().explain_many(subjects, SaliencyParameters(variant=variant, precision="exact", samples=2)))
    assert "network" not in exact[0].explanation.meta


def test_folded_maps_rank_pixels_as_plain_ones_do_on_real_images(public: tuple, hhccode: TorchClassifier) -> None:
    """A rounding may switch a pool or a ReLU near its kink, so a few maps differ in a few pixels."""
    images, labels = public[0][:512], public[1][:512].tolist()
    subjects = [
        Subject(hhccode, Place(image=n, target=t), i) for n, (i, t) in enumerate(zip(images, labels, strict=True))
    ]
    folded = [each.explanation for each in Saliency().explain_many(subjects, SaliencyParameters())]
    plain = [each.explanation for each in Saliency().explain_many(subjects, SaliencyParameters(precision="exact"))]
    assert folded[0].meta["network"] == "14 batch norms folded, channels last" and "network" not in plain[0].meta
    correlations = np.array(
        [
            np.corrcoef(rankdata(a.values.ravel()), rankdata(b.values.ravel()))[0, 1]
            for a, b in zip(folded, plain, strict=True)
        ]
    )
    assert correlations.mean() >= 0.9999
    assert (correlations >= 0.999).mean() >= 0.99 and correlations.min() >= 0.99
    for row in range(0, 512, 64):  # the plain ones are those of the images alone
        single = alone(subjects[row], SaliencyParameters())
        assert np.abs(plain[row].values - single).max() <= 1e-5 * single.max()


def test_bfloat16_is_told(public: tuple, hhccode: TorchClassifier) -> None:
    subjects = [Subject(hhccode, Place(image=n, target=n % 7), image) for n, image in enumerate(public[0][:64])]
    coarse = [each.explanation for each in Saliency().explain_many(subjects, SaliencyParameters(precision="bfloat16"))]
    plain = [each.explanation for each in Saliency().explain_many(subjects, SaliencyParameters(precision="exact"))]
    assert "bfloat16" in coarse[0].meta["network"] and "bfloat16: fine detail" in coarse[0].notes[-1]
    near = [np.corrcoef(a.values.ravel(), b.values.ravel())[0, 1] for a, b in zip(coarse, plain, strict=True)]
    assert 0.7 < np.mean(near) < 0.9999


def test_a_network_that_takes_no_other_memory_layout_runs_as_it_is() -> None:
    class Views(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.head = nn.Conv2d(1, 4, 3), nn.Linear(144, 3)

        def forward(self, x: Tensor) -> Tensor:
            x = self.conv(x)
            return self.head(x.view(x.shape[0], -1))

    torch.manual_seed(0)
    subjects = subjects_of(opened(Views(), 8), 70)
    made = finals(Saliency().explain_many(subjects, SaliencyParameters()))
    assert len(made) == 70 and "network" not in made[69].explanation.meta
    np.testing.assert_allclose(made[69].explanation.values, alone(subjects[69], SaliencyParameters()), rtol=1e-5)


@each_variant
def test_batch_statistics_do_not_mix_images(variant: str) -> None:
    module = network()
    module[1] = nn.BatchNorm2d(6, track_running_stats=False)
    subjects = subjects_of(opened(module), 3)
    parameters = SaliencyParameters(variant=variant, steps=5, samples=3, window=12)
    made = finals(Saliency().explain_many(subjects, parameters))
    for subject, result in zip(subjects, made, strict=True):
        assert np.array_equal(result.explanation.values, alone(subject, parameters))


@each_variant
def test_a_batch_that_does_not_fit_into_memory_is_halved(variant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    classifier = opened(network())
    subjects = subjects_of(classifier, 9)
    parameters = SaliencyParameters(variant=variant, samples=11, steps=13, seed=4)
    expected = [result.explanation.values for result in finals(Saliency().explain_many(subjects, parameters))]
    scores, sizes = classifier.scores, []

    def small(inputs: Tensor) -> Tensor:
        sizes.append(len(inputs))
        if len(inputs) > 3:
            raise torch.OutOfMemoryError("out of memory")
        return scores(inputs)

    monkeypatch.setattr(classifier, "scores", small)
    made = [result.explanation.values for result in finals(Saliency().explain_many(subjects, parameters))]
    assert max(sizes) > 3
    for a, b in zip(made, expected, strict=True):
        assert np.abs(a - b).max() <= 1e-5 * np.abs(b).max()
    monkeypatch.setattr(classifier, "scores", lambda inputs: (_ for _ in ()).throw(torch.OutOfMemoryError("none")))
    with pytest.raises(torch.OutOfMemoryError):
        list(Saliency().explain(subjects[0], parameters))


# ---- step by step ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("variant", STEPWISE)
def test_maps_get_better_until_the_last(variant: str) -> None:
    (subject,) = subjects_of(opened(network(nn.Tanh())), 1)
    made = list(Saliency().explain(subject, SaliencyParameters(variant=variant, samples=160, steps=160)))
    assert len(made) >= 3
    assert [result.final for result in made] == [False] * (len(made) - 1) + [True]
    shares = [result.progress for result in made]
    assert shares == sorted(set(shares)) and shares[-1] == 1
    last = made[-1].explanation.values
    first, late = (np.abs(made[at].explanation.values - last).max() for at in (0, -2))
    assert late < first or variant == "integrated"
    if variant == "integrated":  # a tenth of the points, from the whole way, tell nearly all
        assert first < 0.2 * np.abs(last).max()


@pytest.mark.parametrize("variant", STEPWISE)
def test_closing_stops_the_work(variant: str) -> None:
    module = network()
    runs: list[int] = []
    module.register_forward_pre_hook(lambda module, given: runs.append(len(given[0])))
    (subject,) = subjects_of(opened(module), 1)
    parameters = SaliencyParameters(variant=variant, samples=999, steps=999, window=2, stride=1)
    with closing(Saliency().explain(subject, parameters)) as results:
        runs.clear()
        next(results)
    assert sum(runs) <= 20  # the image, its baseline and one batch, of some hundreds


@each_variant
@pytest.mark.parametrize("around", [torch.no_grad, torch.inference_mode, torch.enable_grad])
def test_the_callers_grad_mode_neither_matters_nor_changes(variant: str, around: Callable) -> None:
    (subject,) = subjects_of(opened(network()), 1)
    parameters = SaliencyParameters(variant=variant, samples=40)
    expected = alone(subject, parameters)
    with around():
        modes = torch.is_grad_enabled(), torch.is_inference_mode_enabled()
        made = []
        for result in Saliency().explain(subject, parameters):
            assert (torch.is_grad_enabled(), torch.is_inference_mode_enabled()) == modes
            made.append(result.explanation.values)
        most = float(np.abs(expected).max())
        assert made[-1] == pytest.approx(expected, abs=1e-5 * most)  # a GPU may round otherwise from run to run


@each_variant
def test_nothing_is_left_behind(variant: str) -> None:
    module = network()
    module[0].weight.grad = torch.ones_like(module[0].weight)
    module[5].bias.requires_grad_(False)
    subjects = subjects_of(opened(module), 3)
    before = {name: each.clone() for name, each in module.state_dict().items()}
    torch.manual_seed(1)
    np.random.seed(1)
    states = torch.get_rng_state(), np.random.get_state()[1].copy()
    parameters = SaliencyParameters(variant=variant, samples=40)
    for start in (
        lambda: Saliency().explain(subjects[0], parameters),
        lambda: Saliency().explain_many(subjects, parameters),
    ):
        with closing(start()) as results:
            next(results)
        list(start())
    assert torch.equal(torch.get_rng_state(), states[0]) and np.array_equal(np.random.get_state()[1], states[1])
    assert all(torch.equal(before[name], each) for name, each in module.state_dict().items())
    assert torch.equal(module[0].weight.grad, torch.ones_like(module[0].weight)) and module[5].weight.grad is None
    assert not module[5].bias.requires_grad and module[5].weight.requires_grad
    hooks = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    assert not any(getattr(each, name) for each in module.modules() for name in hooks)
    assert torch.overrides._get_current_function_mode() is None


# ---- what is said ----------------------------------------------------------------------------------------------------


@each_variant
def test_says_that_no_gradient_reaches_the_input(variant: str) -> None:
    class Cut(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.head = nn.Sequential(nn.Flatten(), nn.Linear(64, 4), nn.ReLU(), nn.Linear(4, 3))

        def forward(self, x: Tensor) -> Tensor:
            return self.head(x.detach())

    (subject,) = subjects_of(opened(Cut(), 8), 1)
    made = finals(Saliency().explain(subject, SaliencyParameters(variant=variant)))[0].explanation
    told = any("no gradient reaches the input" in note for note in made.notes)
    assert told is (variant != "occlusion")  # which needs none
    assert made.values.any() == (variant == "occlusion")


@each_variant
def test_says_that_values_are_not_finite(variant: str) -> None:
    module = network()
    classifier = opened(module)
    with torch.no_grad():
        module[5].weight[1].fill_(float("nan"))
    subject = subjects_of(classifier, 2)[1]
    made = finals(Saliency().explain(subject, SaliencyParameters(variant=variant)))[0].explanation
    assert any("not finite" in note for note in made.notes)


# ---- through the engine ----------------------------------------------------------------------------------------------


@pytest.fixture
def engine(tmp_path: object) -> Engine:
    images = np.random.default_rng(0).integers(0, 256, (6, 24, 24), dtype=np.uint8)
    path = f"{tmp_path}/faces.npz"
    np.savez(path, images=images, labels=np.array([0, 1, 2, 0, 1, -1]), class_names=np.array(["a", "b", "c"]))
    return Engine(opened(network()), open_dataset(path))


def test_the_engine_hands_over_label_and_parameters(engine: Engine) -> None:
    (result,) = engine.explain("saliency", Place(image=1), {"score": "loss", "signed": "true"})
    assert result.place == Place(image=1)  # no target
    x = engine.classifier.inputs([engine.dataset[1].image]).requires_grad_()
    loss = nn.functional.cross_entropy(engine.classifier.module(x), torch.tensor([1]))
    expected = torch.autograd.grad(loss, x)[0][0, 0].numpy()
    np.testing.assert_allclose(result.explanation.values, expected, atol=1e-6)
    with pytest.raises(InputError, match="the image has no true class"):
        list(engine.explain("saliency", Place(image=5), {"score": "loss"}))
    with pytest.raises(InputError, match=r"variant.*did you mean guided"):
        list(engine.explain("saliency", Place(image=1), {"variant": "guidd"}))


@each_variant
def test_the_engine_makes_the_same_of_many_as_of_each(engine: Engine, variant: str) -> None:
    places = [Place(image=n, target=n % 3) for n in range(6)]
    parameters = {"variant": variant, "samples": 5, "regions": "grid" if variant == "occlusion" else ""}
    many = list(engine.explain_many("saliency", places, parameters))
    for place, result in zip(places, many, strict=True):
        *_, last = engine.explain("saliency", place, parameters)
        a, b = result.explanation.values, last.explanation.values
        assert result.place == last.place and np.abs(a - b).max() <= 1e-5 * np.abs(b).max()

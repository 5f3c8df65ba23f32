"""view=images: the dataset's images that excite filters most; and all views run by the engine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from fer_tui import plugins
from fer_tui.classifier import TorchClassifier, open_classifier
from fer_tui.contract import Gallery, InputError, Place, Result, Sample, Subject
from fer_tui.dataset import MappedDataset, open_dataset
from fer_tui.engine import Engine, Store
from fer_tui.engine.check import run_checks
from fer_tui_plugins import filter_images, pacing
from fer_tui_plugins.filter_ascent import FilterAscent, FilterAscentParameters


class Rows:
    """Arrays as a dataset."""

    digest, splits = "rows", ()

    def __init__(self, images: np.ndarray, labels: Sequence[int], classes: Sequence[str]) -> None:
        self._images, self.labels, self.classes = images, np.asarray(labels, np.int64), tuple(classes)

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, row: int) -> Sample:
        return Sample(self._images[row], int(self.labels[row]), str(row))

    def images(self, start: int, stop: int) -> np.ndarray:
        return self._images[start:stop]

    def narrowed(self, split: str | None, limit: int | None = None) -> Rows:
        return self


def run(
    classifier: TorchClassifier, rows: Rows, layer: str | None, filter: int | None = None, **parameters: object
) -> list[Result]:
    subject = Subject(classifier, Place(layer=layer, filter=filter), dataset=rows)
    return list(FilterAscent().explain(subject, FilterAscentParameters(view="images", **parameters)))


def found(classifier: TorchClassifier, rows: Rows, layer: str, filter: int | None = None, **more: object) -> Gallery:
    last = run(classifier, rows, layer, filter, **more)[-1]
    assert last.final and last.progress == 1 and last.place == Place(layer=layer, filter=filter)
    assert isinstance(last.explanation, Gallery)
    return last.explanation


def brute_force(classifier: TorchClassifier, images: np.ndarray, layer: str) -> tuple[np.ndarray, np.ndarray]:
    """Mean and maximum (N, filters) of the layer's output, one image at a time through the whole network."""
    seen: list[torch.Tensor] = []
    hook = classifier.module.get_submodule(layer).register_forward_hook(lambda m, i, out: seen.append(out.clone()))
    for image in images:
        classifier.predict([image])
    hook.remove()
    maps = torch.cat(seen)
    return maps.mean((2, 3)).numpy(), maps.amax((2, 3)).numpy()


@pytest.mark.parametrize("layer", ["conv_layer.3.conv.0", "conv_layer.15"])
def test_equals_brute_force_over_real_rows(hhccode: TorchClassifier, public: tuple, layer: str) -> None:
    images, labels = public[0][:150], public[1][:150]
    rows = Rows(images, labels.tolist(), hhccode.classes)
    for rank, activations in zip(("mean", "maximum"), brute_force(hhccode, images, layer), strict=True):
        for f in (0, 11, 40):
            made = found(hhccode, rows, layer, f, rank=rank, top=6)
            best = np.sort(activations[:, f])[::-1][:6]
            np.testing.assert_allclose(made.scores, best, rtol=1e-4, atol=1e-5)
            np.testing.assert_allclose(activations[made.extras["rows"], f], best, rtol=1e-4, atol=1e-5)
            assert len(set(made.extras["rows"].tolist())) == 6
            assert np.array_equal(made.images, images[made.extras["rows"]].astype(np.float32) / 255)
            first = int(made.extras["rows"][0])
            assert made.captions[0].startswith(f"row {first} {hhccode.classes[labels[first]]} ")


def test_without_a_filter_every_filters_best_image(hhccode: TorchClassifier, public: tuple) -> None:
    images = public[0][:100]
    rows = Rows(images, [-1] * 100, hhccode.classes)
    mean, _ = brute_force(hhccode, images, "conv_layer.3")
    made = found(hhccode, rows, "conv_layer.3")
    assert made.images.shape == (64, 48, 48) and made.extras["filters"].tolist() == list(range(64))
    np.testing.assert_allclose(made.scores, mean.max(0), rtol=1e-4, atol=1e-5)
    assert made.captions[5].startswith(f"filter 5 row {made.extras['rows'][5]} ")


def test_one_pass_hands_over_the_other_filters_too(hhccode: TorchClassifier, public: tuple) -> None:
    rows = Rows(public[0][:40], public[1][:40].tolist(), hhccode.classes)
    finals = [result for result in run(hhccode, rows, "input_layer", 5, top=3) if result.final]
    assert [result.place.filter for result in finals] == [None, *(f for f in range(32) if f != 5), 5]
    for result in (finals[0], finals[1], finals[20]):
        alone = found(hhccode, rows, "input_layer", result.place.filter, top=3)
        assert np.array_equal(alone.images, result.explanation.images)
        assert alone.captions == result.explanation.captions and alone.notes == result.explanation.notes
    places = [Place(layer="input_layer", filter=f) for f in (7, None, 2)]
    subjects = [Subject(hhccode, place, dataset=rows) for place in places]
    many = list(FilterAscent().explain_many(subjects, FilterAscentParameters(view="images", top=3)))
    assert [result.place for result in many] == places
    assert many[0].explanation.captions == found(hhccode, rows, "input_layer", 7, top=3).captions


def test_large_pictures_are_not_handed_over_a_second_time(
    hhccode: TorchClassifier, public: tuple, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filter_images, "_MORE", 1000)
    rows = Rows(public[0][:20], public[1][:20].tolist(), hhccode.classes)
    finals = [result for result in run(hhccode, rows, "input_layer", 5) if result.final]
    assert [result.place.filter for result in finals] == [5]


class Brightness(nn.Module):
    """Filter 0: the picture's brightness; filter 1: its darkness; nothing sensible where the first pixel is white."""

    def __init__(self) -> None:
        super().__init__()
        self.told, self.head = nn.Identity(), nn.Linear(2, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x.masked_fill((x[:, :1, :1, :1] == 1), float("nan"))
        return self.head(self.told(torch.cat([x, 1 - x], 1)).nan_to_num().mean((2, 3)))


def shades(*levels: int) -> np.ndarray:
    return np.stack([np.full((4, 4), level, np.uint8) for level in levels])


def brightness() -> TorchClassifier:
    return open_classifier(Brightness(), size=(4, 4), classes=["a", "b", "c"], device="cpu")


def test_of_equal_rows_the_first_counts_and_broken_rows_are_left_out() -> None:
    rows = Rows(shades(10, 200, 255, 200, 30, 200), [0, 1, 2, -1, 9, 0], ("a", "b", "c"))
    made = found(brightness(), rows, "told", 0, top=3)
    assert made.extras["rows"].tolist() == [1, 3, 5]
    assert made.captions == ("row 1 b 0.78", "row 3 0.78", "row 5 a 0.78")
    assert made.notes == ("left out, not finite or no picture that can be read: 1 of 6 rows",)
    darkest = found(brightness(), rows, "told", 1, top=99)
    assert darkest.extras["rows"].tolist() == [0, 4, 1, 3, 5]
    assert darkest.captions[1] == "row 4 0.88"


def test_pictures_that_cannot_be_read_may_fill_a_pass(tmp_path: Path) -> None:
    for number in range(19):
        Image.fromarray(np.full((4, 4), 10 * number, np.uint8)).save(tmp_path / f"{number:02}.png")
    for number in (16, 17, 18):  # a pass takes 16 at first
        (tmp_path / f"{number}.png").write_text("no picture")
    made = found(brightness(), open_dataset(tmp_path, cache="none"), "told", 0, top=3)
    assert made.extras["rows"].tolist() == [15, 14, 13]
    assert made.notes == ("left out, not finite or no picture that can be read: 3 of 19 rows",)


def test_a_picture_that_cannot_be_read_is_left_out(tmp_path: Path) -> None:
    for number, level in enumerate((10, 200, 90, 30)):
        Image.fromarray(np.full((4, 4), level, np.uint8)).save(tmp_path / f"{number}.png")
    (tmp_path / "1.png").write_text("no picture")
    made = found(brightness(), open_dataset(tmp_path, cache="none"), "told", 0, top=3)
    assert made.extras["rows"].tolist() == [2, 3, 0]
    assert made.notes == ("left out, not finite or no picture that can be read: 1 of 4 rows",)
    for number in range(4):
        (tmp_path / f"{number}.png").write_text("no picture")
    with pytest.raises(InputError, match=r"0\.png: is no picture that can be read"):
        found(brightness(), open_dataset(tmp_path, cache="none"), "told", 0)


def test_an_empty_dataset_gives_an_empty_gallery() -> None:
    made = found(brightness(), Rows(shades(1)[:0], [], ("a", "b", "c")), "told", 0)
    assert made.images.shape == (0, 4, 4) and made.notes == ("the dataset has no rows",)
    assert found(brightness(), Rows(shades(1)[:0], [], ("a", "b", "c")), "told").images.shape == (0, 4, 4)


def test_colour_pictures_keep_their_colours() -> None:
    network = nn.Sequential(nn.Conv2d(3, 2, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2, 3))
    classifier = open_classifier(network, size=(6, 5), classes=["a", "b", "c"], device="cpu", mean=0.5, std=0.2)
    images = np.random.default_rng(0).integers(0, 256, (9, 6, 5, 3), dtype=np.uint8)
    made = found(classifier, Rows(images, [0] * 9, ("a", "b", "c")), "0", 1, top=4)
    assert made.images.shape == (4, 6, 5, 3)
    assert np.array_equal(made.images, images[made.extras["rows"]].astype(np.float32) / 255)


def test_shows_the_best_so_far_and_stops_when_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pacing, "_EVERY", 0.0)
    monkeypatch.setattr(pacing, "_SHARE", 0)
    rows = Rows(shades(*range(100)), [0] * 100, ("a", "b", "c"))
    results = run(brightness(), rows, "told", 0, top=2)
    searching = [result for result in results if not result.final]
    seen = [round(result.progress * 100) for result in searching]  # rows after each pass
    assert seen[:3] == [16, 32, 48] and seen == sorted(seen)
    assert [each.explanation.extras["rows"].tolist() for each in searching] == [[n - 1, n - 2] for n in seen]
    assert results[-1].explanation.extras["rows"].tolist() == [99, 98]

    classifier, passes = brightness(), []
    fast = classifier.folded()[0].module
    fast.told.register_forward_pre_hook(lambda *_: passes.append(1))
    subject = Subject(classifier, Place(layer="told", filter=0), dataset=rows)
    explaining = FilterAscent().explain(subject, FilterAscentParameters(view="images"))
    next(explaining)
    explaining.close()
    assert len(passes) == 1 and not fast.told._forward_hooks


def test_halves_the_batch_where_memory_runs_out() -> None:
    classifier = brightness()
    rows = Rows(shades(*range(50)), [0] * 50, ("a", "b", "c"))

    def check(_: nn.Module, given: tuple[torch.Tensor, ...]) -> None:
        if len(given[0]) > 3:
            raise torch.OutOfMemoryError

    classifier.folded()[0].module.register_forward_pre_hook(check)
    assert found(classifier, rows, "told", 0, top=2).extras["rows"].tolist() == [49, 48]


def test_without_a_dataset_it_says_so() -> None:
    subject = Subject(brightness(), Place(layer="told"))
    with pytest.raises(InputError, match="name one with --data"):
        list(FilterAscent().explain(subject, FilterAscentParameters(view="images")))


# ---- by the engine ---------------------------------------------------------------------------------------------------


@pytest.fixture
def dataset(tmp_path: Path) -> MappedDataset:
    images = np.random.default_rng(0).integers(0, 256, (12, 10, 10), dtype=np.uint8)
    np.savez(tmp_path / "d.npz", images=images, labels=np.arange(12) % 3)
    return open_dataset(tmp_path / "d.npz", cache=None)


@pytest.fixture
def classifier(monkeypatch: pytest.MonkeyPatch) -> TorchClassifier:
    monkeypatch.setattr(plugins, "load", lambda name: FilterAscent)
    monkeypatch.setattr(plugins, "names", lambda: ("filter-ascent",))
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(1, 4, 3),
        nn.ReLU(inplace=True),
        nn.Conv2d(4, 6, 3),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(6, 3),
    )
    return open_classifier(network, size=(10, 10), classes=["0", "1", "2"], device="cpu")


def last(engine: Engine, place: Place, **parameters: object) -> Result:
    *_, result = engine.explain("filter-ascent", place, parameters)
    return result


def test_only_the_view_of_images_needs_the_dataset_and_hangs_on_it(
    classifier: TorchClassifier, dataset: MappedDataset
) -> None:
    alone, place = Engine(classifier), Place(layer="0", filter=1)
    for view in ("ascent", "class"):
        task = alone.task("filter-ascent", Place(target=1, layer="0"), {"view": view})
        assert set(task.digests) == {"classifier"}
        opened = Engine(classifier, dataset).task("filter-ascent", Place(target=1, layer="0", image=3), {"view": view})
        assert task.key() == opened.key()
    with pytest.raises(InputError, match="needs one"):
        alone.task("filter-ascent", place, {"view": "images"})
    task = Engine(classifier, dataset).task("filter-ascent", place, {"view": "images"})
    assert set(task.digests) == {"classifier", "dataset"}
    fewer = Engine(classifier, dataset.narrowed(None, 6)).task("filter-ascent", place, {"view": "images"})
    assert task.key() != fewer.key()
    seen = Engine(classifier, dataset).task("filter-ascent", Place(image=2, layer="0"), {"view": "outputs"})
    assert set(seen.digests) == {"classifier", "image"}


def test_a_whole_layer_fills_the_store_with_its_filters(
    classifier: TorchClassifier, dataset: MappedDataset, tmp_path: Path
) -> None:
    engine = Engine(classifier, dataset, Store.open(tmp_path / "store"))
    whole = last(engine, Place(layer="2"), steps=3).explanation
    assert isinstance(whole, Gallery) and whole.meta["layer"] == "2" and whole.meta["parameters"]["steps"] == 3
    (single,) = engine.explain("filter-ascent", Place(layer="2", filter=4), {"steps": 3})  # from the store at once
    assert np.array_equal(single.explanation.images, whole.images[4:5])
    fresh = list(engine.explain("filter-ascent", Place(layer="2", filter=4), {"steps": 3}, fresh=True))
    assert np.array_equal(fresh[-1].explanation.images, whole.images[4:5])


def test_every_view_runs_in_the_engine_and_is_saved(
    classifier: TorchClassifier, dataset: MappedDataset, tmp_path: Path
) -> None:
    engine, place = Engine(classifier, dataset), Place(image=1, target=2, layer="0")
    for view in ("ascent", "outputs", "images", "class"):
        made = last(engine, place, view=view, steps=2).explanation
        for suffix in ("png", "npz", "json"):
            made.save(tmp_path / f"{view}.{suffix}")
            assert (tmp_path / f"{view}.{suffix}").stat().st_size > 100
    with pytest.raises(InputError, match="no class is given"):
        last(engine, Place(), view="class")


def test_passes_the_checks(classifier: TorchClassifier, dataset: MappedDataset) -> None:
    findings = list(run_checks(Engine(classifier, dataset)))
    assert [finding for finding in findings if not finding.ok] == []
    assert {"the same twice", "batch = alone", "not constant", "model untouched"} <= {f.check for f in findings}

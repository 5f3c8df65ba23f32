"""Occlusion by windows, by a grid, by the user's masks."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from fer_tui.classifier import open_classifier
from fer_tui.contract import Heatmap, InputError, Place, Result, Subject
from fer_tui_plugins.saliency import Saliency, SaliencyParameters
from fer_tui_plugins.saliency_regions import grid
from fer_tui_samples import faces_path, load_masks
from tests.plugins.opening import opened

attr = pytest.importorskip("captum.attr")


def results(subject: Subject, **parameters: object) -> list[Result]:
    return list(Saliency().explain(subject, SaliencyParameters(variant="occlusion", **parameters)))


def explain(subject: Subject, **parameters: object) -> Heatmap:
    return results(subject, **parameters)[-1].explanation


def picture(height: int, width: int, channels: int = 1, seed: int = 0) -> np.ndarray:
    shape = (height, width) if channels == 1 else (height, width, channels)
    return np.random.default_rng(seed).integers(1, 256, shape, dtype=np.uint8)


def network(channels: int = 1) -> nn.Module:
    torch.manual_seed(4)
    return nn.Sequential(
        nn.Conv2d(channels, 6, 3, stride=2), nn.ReLU(), nn.AdaptiveAvgPool2d(3), nn.Flatten(), nn.Linear(54, 3)
    )


class Adds(nn.Module):
    """The score of class n is the sum of the pixels in box n, of class 2 of all others."""

    boxes = (slice(0, 6), slice(0, 6)), (slice(8, 12), slice(3, 9))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        first, second = (x[:, 0, rows, columns].sum((1, 2)) for rows, columns in self.boxes)
        return torch.stack([first, second, x.sum((1, 2, 3)) - first - second], 1)


def adding(target: int, row: int | None = 0) -> Subject:
    return Subject(opened(Adds(), (12, 12)), Place(image=row, target=target), picture(12, 12))


# ---- windows ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "window", "stride"),
    [((20, 20), 5, 5), ((20, 20), 6, 4), ((19, 31), 7, 3), ((31, 19), 1, 1), ((9, 9), 9, 2)],
)
@pytest.mark.parametrize("score", ["logit", "log-probability"])
def test_windows_are_captums(size: tuple[int, int], window: int, stride: int, score: str) -> None:
    classifier, image = opened(network(3), size, mean=(0.4, 0.5, 0.6), std=(0.2, 0.25, 0.3)), picture(*size, 3)
    made = explain(Subject(classifier, Place(target=1), image), window=window, stride=stride, score=score)
    forward = classifier.module if score == "logit" else lambda x: classifier.module(x).log_softmax(1)
    expected = attr.Occlusion(forward).attribute(
        classifier.inputs([image]), target=1, sliding_window_shapes=(3, window, window), strides=(3, stride, stride)
    )
    expected = expected[0, 0].numpy()
    rounding = 5e-7  # of one score in float32, of which a drop is a difference
    assert np.abs(made.values - expected).max() <= 1e-5 * np.abs(expected).max() + rounding
    assert made.signed and made.meta["channels"] == "hidden together"


def test_a_baseline_is_what_hides() -> None:
    classifier, image = opened(network(), (20, 20)), picture(20, 20)
    made = explain(Subject(classifier, Place(target=1), image), window=5, stride=5, baseline="value", value=102)
    expected = attr.Occlusion(classifier.module).attribute(
        classifier.inputs([image]), target=1, sliding_window_shapes=(1, 5, 5), strides=(1, 5, 5), baselines=0.4
    )
    np.testing.assert_allclose(made.values, expected[0, 0].numpy(), atol=1e-5 * expected.abs().max().item())


@pytest.mark.parametrize(("size", "window", "stride", "count"), [((48, 48), 8, 4, 121), ((224, 224), 37, 18, 144)])
def test_the_usual_window_fits_the_input(size: tuple[int, int], window: int, stride: int, count: int) -> None:
    made = explain(Subject(opened(network(), size), Place(target=1), picture(*size)))
    assert (made.meta["window"], made.meta["stride"], made.meta["windows"]) == (window, stride, count)


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"window": 21}, "window: 21 pixels do not fit into the network's input of 20 x 30"),
        ({"window": 4, "stride": 5}, "stride: 5 pixels leave gaps between windows of 4"),
    ],
)
def test_windows_that_cannot_be_are_refused(parameters: dict, said: str) -> None:
    with pytest.raises(InputError, match=said):
        explain(Subject(opened(network(), (20, 30)), Place(target=1), picture(20, 30)), **parameters)


def test_the_whole_picture_is_covered_early() -> None:
    made = results(Subject(opened(network(), (48, 48)), Place(target=1), picture(48, 48)))
    assert [each.final for each in made] == [False] * (len(made) - 1) + [True]
    shares = [each.progress for each in made]
    assert shares == sorted(shares) and shares[-1] == 1 and shares[0] < 0.2
    tiled = next(each for each in made if each.progress >= 36 / 121)  # of 121 windows, 36 tile the picture
    assert tiled.progress < 0.7
    early, last = tiled.explanation.values, made[-1].explanation.values
    assert (early != 0).all()
    assert np.corrcoef(early.ravel(), last.ravel())[0, 1] > 0.8


# ---- regions ---------------------------------------------------------------------------------------------------------


def saved(folder: Path, **masks: np.ndarray) -> str:
    path = folder / "masks.npz"
    np.savez(path, **masks)
    return str(path)


def box(top: int, bottom: int, left: int, right: int, size: tuple[int, int] = (12, 12)) -> np.ndarray:
    mask = np.zeros(size, np.bool_)
    mask[top:bottom, left:right] = True
    return mask


def test_a_grid_is_captums_ablation_of_its_tiles() -> None:
    classifier, image = opened(network(3), (20, 27)), picture(20, 27, 3)
    made = explain(Subject(classifier, Place(target=1), image), regions="grid", window=8)
    assert made.meta["regions"][:2] == ["row 1, column 1", "row 1, column 2"] and len(made.meta["regions"]) == 12
    rows, columns = np.indices((20, 27)) // 8
    feature = torch.from_numpy(rows * 4 + columns)[None, None]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = attr.FeatureAblation(classifier.module).attribute(
            classifier.inputs([image]), target=1, feature_mask=feature
        )
    expected = expected[0, 0].numpy()
    np.testing.assert_allclose(made.values, expected, atol=1e-5 * np.abs(expected).max())
    assert made.extras["drops"].dtype == np.float32 and made.extras["pixels"].tolist()[-1] == 4 * 3
    np.testing.assert_allclose(made.extras["drops"], expected[::8, ::8].ravel(), atol=1e-5 * np.abs(expected).max())


def test_the_drop_of_a_region_is_a_number(tmp_path: Path) -> None:
    """A planted network reads the mouth and not the hand."""
    masks = {"mouth": box(8, 12, 3, 9), "hand": box(0, 3, 7, 12), "half mouth": box(8, 10, 3, 9)}
    subject = adding(1)
    made = explain(subject, regions=saved(tmp_path, **masks))
    x = subject.classifier.inputs([subject.image]).numpy()[0, 0]
    drops = dict(zip(made.meta["regions"], made.extras["drops"].tolist(), strict=True))
    assert drops["hand"] == 0 and made.meta["drops"] == drops
    assert drops["mouth"] == pytest.approx(x[8:12, 3:9].sum(), rel=1e-5)
    assert drops["half mouth"] == pytest.approx(x[8:10, 3:9].sum(), rel=1e-5)
    assert made.extras["pixels"].tolist() == [24, 15, 12]
    # Each pixel has the drop of the smallest region that it is in.
    assert (made.values[8:10, 3:9] == np.float32(drops["half mouth"])).all()
    assert (made.values[10:12, 3:9] == np.float32(drops["mouth"])).all()
    assert made.values.sum() == pytest.approx(12 * (drops["mouth"] + drops["half mouth"]), rel=1e-5)
    assert made.notes[0].startswith(f"drop of the score where hidden: mouth {drops['mouth']:+.3g}, half mouth")


def test_masks_by_row_are_those_of_the_image(tmp_path: Path) -> None:
    rows = np.stack([box(0, 0, 0, 0), box(8, 12, 3, 9), box(0, 6, 0, 6)])
    path = saved(tmp_path, part=rows, corner=box(0, 2, 0, 2).astype(np.uint8))
    at = {row: explain(adding(1, row), regions=path) for row in range(3)}
    assert at[0].extras["drops"].tolist() == [0, 0] and "not in this image: part" in at[0].notes
    assert at[1].extras["drops"][0] > 0 == at[2].extras["drops"][0]
    assert [each.extras["pixels"][0] for each in at.values()] == [0, 24, 36]
    for row in (None, 3):
        with pytest.raises(InputError, match=f"part has masks for rows 0 to 2, and the image is row {row}"):
            explain(adding(1, row), regions=path)


def test_masks_are_fitted_as_the_image_is(tmp_path: Path) -> None:
    """A picture twice as large, and one that is padded."""
    classifier = opened(Adds(), (12, 12), fit="pad")
    image = np.repeat(np.repeat(picture(12, 12), 2, 0), 2, 1)
    path = saved(tmp_path, part=np.repeat(np.repeat(box(8, 12, 3, 9), 2, 0), 2, 1))
    assert explain(Subject(classifier, Place(target=1), image), regions=path).extras["pixels"].tolist() == [24]
    wide = np.full((6, 12), 200, np.uint8)  # sits in rows 3 to 8
    made = explain(Subject(classifier, Place(target=1), wide), regions=saved(tmp_path, part=box(0, 6, 3, 9, (6, 12))))
    assert made.extras["pixels"].tolist() == [36]
    assert made.extras["drops"][0] == pytest.approx(6 * 200 / 255, rel=1e-5)  # of box 1 only row 8 is not padding
    as_input = saved(tmp_path, part=box(8, 12, 3, 9))
    assert explain(Subject(classifier, Place(target=1), image), regions=as_input).extras["pixels"].tolist() == [24]
    with pytest.raises(InputError, match="part is 5 x 5, the image 24 x 24 and the network's input 12 x 12"):
        explain(Subject(classifier, Place(target=1), image), regions=saved(tmp_path, part=box(0, 1, 0, 1, (5, 5))))


@pytest.mark.parametrize("palette", [False, True])
def test_a_png_numbers_its_regions(tmp_path: Path, palette: bool) -> None:
    labels = np.where(box(8, 12, 3, 9), 7, 0).astype(np.uint8)
    labels[:6, :6] = 2
    picture_of = Image.fromarray(labels)
    if palette:
        picture_of.putpalette([0, 0, 0, 255, 0, 0] * 8)
    picture_of.save(tmp_path / "labels.png")
    made = explain(adding(1), regions=str(tmp_path / "labels.png"))
    assert made.meta["regions"] == ["region 2", "region 7"]
    assert made.extras["pixels"].tolist() == [36, 24]
    assert made.extras["drops"][0] == 0 < made.extras["drops"][1]


@pytest.mark.parametrize(
    ("write", "said"),
    [
        (lambda path: None, "there is no such file"),
        (lambda path: path.write_bytes(b"no archive"), r"is no \.npz that can be read, or is cut off \(give"),
        (lambda path: np.savez(path), "has no region"),
        (lambda path: np.savez(path, part=np.array([[0.5]])), r"part is float64 \(1, 1\), not a mask"),
        (lambda path: np.savez(path, part=np.array([[3, 0]])), r"key part: has values from 0 to 3: not a mask"),
        (lambda path: np.savez(path, part=np.array([True])), "not a mask"),
        (lambda path: np.savez(path, part=np.array([[object()]])), "holds pickled objects"),
    ],
)
def test_a_bad_file_is_told(tmp_path: Path, write: Callable[[Path], object], said: str) -> None:
    path = tmp_path / "bad.npz"
    write(path)
    with pytest.raises(InputError, match=said) as caught:
        explain(adding(1), regions=str(path))
    assert str(path) in str(caught.value)


def test_a_file_of_another_kind_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gird: is no file of masks.*or grid"):
        explain(adding(1), regions="gird")
    Image.new("RGB", (12, 12)).save(tmp_path / "colour.png")
    with pytest.raises(InputError, match="has 3 channels"):
        explain(adding(1), regions=str(tmp_path / "colour.png"))


def test_tiles_cover_every_pixel_once() -> None:
    tiles = grid(20, 27, 8)
    assert (np.sum(list(tiles.masks.values()), 0) == 1).all()


def test_the_samples_own_masks_make_the_claim_on_hands_a_number(tmp_path: Path) -> None:
    """The bundled network reads eyes and mouth, and hardly heeds the hand: over the faces that show one."""
    with np.load(faces_path()) as file:
        images, labels = file["images"], file["labels"]
    masks = load_masks()
    rows = np.flatnonzero(masks["hand"].any((1, 2)))[:30].tolist()
    classifier = open_classifier(classes=[f"c{n}" for n in range(7)], device="cpu")
    subjects = [Subject(classifier, Place(image=row, target=int(labels[row])), images[row]) for row in rows]
    own = SaliencyParameters(variant="occlusion", regions=str(faces_path()), baseline="mean")
    made = [each.explanation for each in Saliency().explain_many(subjects, own) if each.final]
    assert made[0].meta["regions"] == list(masks)
    drops = dict(zip(masks, np.mean([each.extras["drops"] for each in made], 0).tolist(), strict=True))
    assert drops["hand"] < 0.25 * min(drops["eyes"], drops["mouth"])
    path = saved(tmp_path, **masks)  # the same, unpacked
    again = explain(subjects[0], regions=path, baseline="mean")
    np.testing.assert_allclose(again.extras["drops"], made[0].extras["drops"], atol=1e-4)
    x = classifier.inputs([images[rows[0]]])
    hidden = torch.where(torch.from_numpy(masks["eyes"][rows[0]]), x.mean(), x)
    with torch.no_grad():
        fall = (classifier.scores(x) - classifier.scores(hidden))[0, int(labels[rows[0]])].item()
    assert again.extras["drops"][0] == pytest.approx(fall, abs=1e-4)

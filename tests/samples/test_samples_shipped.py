"""What is shipped: the faces are what the generator draws, and the network knows them as well as its card says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import fer_tui
import fer_tui_samples
from fer_tui_samples import MASKS, build, faces_path, finish, load_masks, weights_path
from fer_tui_samples.draw import draw_face
from fer_tui_samples.expressions import CLASSES

CARD = Path(str(fer_tui_samples.__file__)).with_name("README.md")


@pytest.fixture(scope="module")
def faces() -> dict[str, np.ndarray]:
    with np.load(faces_path(), allow_pickle=False) as stored:
        return dict(stored)


def test_layout(faces: dict[str, np.ndarray]) -> None:
    assert faces["images"].shape == (350, 48, 48) and faces["images"].dtype == np.uint8
    assert faces["labels"].dtype == np.int64
    assert tuple(faces["class_names"]) == CLASSES
    assert CLASSES == ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
    assert faces["masks"].shape == (350, 6, 48, 6) and tuple(faces["mask_names"]) == MASKS
    assert faces_path().stat().st_size < 1_000_000


def test_every_class_has_fifty_and_the_first_seven_rows_show_all(faces: dict[str, np.ndarray]) -> None:
    assert np.bincount(faces["labels"]).tolist() == [50] * 7
    assert sorted(faces["labels"][:7]) == list(range(7))


def test_no_two_faces_are_alike(faces: dict[str, np.ndarray]) -> None:
    assert len(np.unique(faces["images"].reshape(350, -1), axis=0)) == 350


@pytest.mark.parametrize("row", [0, 8, 100, 233, 349])
def test_rows_are_what_the_generator_draws(row: int, faces: dict[str, np.ndarray]) -> None:
    """Two grey levels and a few mask pixels are left to other processors' and NumPy versions' rounding."""
    image, masks = draw_face(row % 7, row)
    assert np.abs(image.astype(int) - faces["images"][row]).max() <= 2
    stored = np.stack([mask[row] for mask in load_masks().values()])
    assert (stored != masks).sum() <= 6


def test_masks_by_name() -> None:
    masks = load_masks()
    assert tuple(masks) == MASKS
    assert all(mask.shape == (350, 48, 48) and mask.dtype == np.bool_ for mask in masks.values())
    assert 0.08 < masks["hand"].any((1, 2)).mean() < 0.3
    assert masks["face"].any((1, 2)).all() and masks["nose"].any((1, 2)).all()


def test_hands_do_not_tell_the_class(faces: dict[str, np.ndarray]) -> None:
    held = load_masks()["hand"].any((1, 2))
    assert len(set(faces["labels"][held].tolist())) == 7


def test_the_same_bytes_whenever_built(monkeypatch: pytest.MonkeyPatch) -> None:
    first = build.packed(build.arrays(7))
    monkeypatch.setattr("time.time", lambda: 2_000_000_000.0)
    assert first == build.packed(build.arrays(7))


def test_the_build_command_writes_what_numpy_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "FACES", 7)
    monkeypatch.setattr(sys, "argv", ["build", "-o", str(tmp_path / "few.npz")])
    build.main()
    with np.load(tmp_path / "few.npz", allow_pickle=False) as stored:
        assert stored["images"].shape == (7, 48, 48)
    assert [path.name for path in tmp_path.iterdir()] == ["few.npz"]


def test_faces_to_train_on_are_drawn_from_other_seeds() -> None:
    drawn = build.arrays(3, first=1_000_006)
    assert drawn["labels"].tolist() == [0, 1, 2]
    assert (drawn["images"][1] == draw_face(1, 1_000_007)[0]).all()


def test_biases_make_each_class_predicted_as_often_as_it_comes() -> None:
    """Scores of a network that hardly dares to say the two rarer classes."""
    chance = np.random.default_rng(0)
    labels = chance.choice(3, 3000, p=[0.6, 0.3, 0.1])
    scores = np.eye(3)[labels] * 1.5 + chance.normal(size=(3000, 3)) + [1.0, 0.0, -1.0]
    biases = finish.matching(scores, labels)
    before, after = (np.bincount((scores + each).argmax(1), minlength=3) for each in (0, biases))
    assert before[2] < 150 and np.abs(after - np.bincount(labels)).max() <= 30
    assert biases.sum() == pytest.approx(0, abs=1e-9)


def test_biases_go_to_the_last_layer_and_into_the_record(tmp_path: Path) -> None:
    biases = np.arange(7) / 8
    (tmp_path / "w.safetensors").write_bytes(finish.finished(weights_path("fer-gap"), biases))
    faces = np.random.default_rng(0).integers(0, 256, (3, 48, 48), np.uint8)
    plain, mended = (fer_tui.open_classifier(*given, device="cpu").predict(faces) for given in (
        ("fer-gap",), (None, tmp_path / "w.safetensors")
    ))  # fmt: skip
    np.testing.assert_allclose(mended - plain, np.tile(biases, (3, 1)), atol=2e-3)


def test_the_door_loads_neither_numpy_nor_torch() -> None:
    code = (
        "import sys, fer_tui_samples as door; door.faces_path(), door.weights_path(), door.run_path();"
        "print({'numpy', 'torch', 'PIL'} & set(sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "set()"


def test_the_network_knows_the_faces_as_the_card_says(faces: dict[str, np.ndarray]) -> None:
    card = CARD.read_text()
    scores = fer_tui.open_classifier(device="cpu").predict(faces["images"])
    right = scores.argmax(1) == faces["labels"]
    written = re.search(r"shipped faces \| ([\d.]+)", card)
    assert written and float(written[1]) == pytest.approx(right.mean(), abs=0.006)
    assert float(written[1]) >= 0.95


def test_the_network_knows_real_faces_as_the_card_says(shared: Path) -> None:
    """Accuracy on PublicTest, and the recall of each class, as the model card has them."""
    card = CARD.read_text()
    data = fer_tui.open_dataset(shared / "data" / "fer2013_trainval.npz", split="PublicTest")
    classifier = fer_tui.open_classifier(device="cpu")
    predicted = classifier.predict(data.images(0, len(data))).argmax(1)
    written = re.search(r"FER2013 PublicTest \| ([\d.]+)", card)
    assert written and float(written[1]) == pytest.approx((predicted == data.labels).mean(), abs=6e-4)
    for index, name in enumerate(CLASSES):
        recall = (predicted[data.labels == index] == index).mean()
        row = re.search(rf"\| {name} \| ([\d.]+) \|", card)
        assert row and float(row[1]) == pytest.approx(recall, abs=0.011), name
        assert recall >= (0.5 if name == "disgust" else 0.45)

"""What is shipped: the faces are what the generator draws, and the network knows them as well as its card says."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import fer_tui_samples
from fer_tui_samples import MASKS, build, faces_path, load_masks, weights_path
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


def test_the_door_loads_neither_numpy_nor_torch() -> None:
    code = (
        "import sys, fer_tui_samples as door; door.faces_path(), door.weights_path();"
        "print({'numpy', 'torch', 'PIL'} & set(sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "set()"


def test_weights_say_what_they_are() -> None:
    from safetensors import safe_open

    with safe_open(weights_path(), "pt") as stored:
        about = stored.metadata()
        assert all(stored.get_tensor(name).dtype.itemsize == 2 for name in stored.keys() if "batches" not in name)  # noqa: SIM118
    assert about["network"] == "fer-gap" and tuple(json.loads(about["classes"])) == CLASSES
    assert json.loads(about["settings"]) == {"input_shape": [1, 48, 48], "mean": 0.0, "std": 1.0}
    assert json.loads(about["training"])["first_seed"] > 350
    assert weights_path().stat().st_size <= 300_000


def test_the_network_knows_the_faces_as_the_card_says() -> None:
    from fer_tui_samples.train import evaluate

    card = CARD.read_text()
    recall = evaluate(weights_path())
    for name, share in recall.items():
        written = re.search(rf"\| {name} \| ([\d.]+) \|", card)
        assert written and float(written[1]) == pytest.approx(share, abs=0.021), name
    written = re.search(r"accuracy \*\*([\d.]+)\*\*", card)
    assert written and float(written[1]) == pytest.approx(np.mean(list(recall.values())), abs=0.006)
    assert float(written[1]) >= 0.95

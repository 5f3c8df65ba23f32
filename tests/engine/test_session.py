"""What an opened session tells of how data and network were brought together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import fer_tui
from fer_tui.cli import main
from fer_tui.contract import InputError
from fer_tui.engine import Settings, open_session


def _folder(tmp_path: Path, *sizes: tuple[int, int], mode: str = "RGB", name: str = "sad") -> Path:
    folder = tmp_path / "faces" / name
    folder.mkdir(parents=True)
    for number, size in enumerate(sizes):
        Image.new(mode, size, "gray").save(folder / f"{number}.png")
    return folder.parent


def _notes(data: Path, **settings: str) -> tuple[str, ...]:
    with open_session(Settings(data=str(data), device="cpu", cache="none", **settings)) as session:
        return session.notes


@pytest.mark.parametrize(
    ("fit", "told"), [("stretch", "stretched"), ("crop", "cropped and scaled"), ("pad", "scaled and padded")]
)
def test_pictures_of_another_size_are_told(tmp_path: Path, fit: str, told: str) -> None:
    notes = _notes(_folder(tmp_path, (40, 64), (40, 64)), fit=fit)
    assert f"pictures of 64×40 are {told} to 48×48 (--fit stretch, crop or pad)" in notes
    assert "colours are turned to gray: the network has one channel" in notes


def test_pictures_of_several_sizes_are_told(tmp_path: Path) -> None:
    notes = _notes(_folder(tmp_path, (40, 64), (48, 48)))
    assert any(note.startswith("pictures are of several sizes: they are stretched to 48×48") for note in notes)


def test_pictures_that_fit_need_no_word(tmp_path: Path) -> None:
    notes = " ".join(_notes(_folder(tmp_path, (48, 48), (48, 48), mode="L")))
    assert "--fit" not in notes and "gray" not in notes


def test_a_network_without_names_takes_those_of_the_data(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(
        "import torch\ndef make():\n    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(16, 3))\n"
    )
    images = np.zeros((3, 4, 4), np.uint8)
    np.savez(tmp_path / "pets.npz", images=images, labels=[0, 1, 2], class_names=np.array(["ant", "bee", "cat"]))
    settings = Settings(
        data=str(tmp_path / "pets.npz"), model=f"{tmp_path / 'net.py'}:make", device="cpu", cache="none"
    )
    with open_session(settings) as session:
        assert session.classifier.classes == ("ant", "bee", "cat")
        assert "class names are not known" not in session.notes
        assert any("no weights were named" in note for note in session.notes)


def test_names_that_were_told_must_match(tmp_path: Path) -> None:
    data = _folder(tmp_path, (48, 48), mode="L", name="bored")
    with pytest.raises(InputError, match=r"row 0 \(bored/.*\): is of class bored, which the network does not have"):
        _notes(data)


def test_a_network_of_other_classes_needs_data_of_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "net.py").write_text(
        "from torch import nn\ndef make():\n"
        "    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 5))\n"
    )
    model = f"{tmp_path / 'net.py'}:make"
    with pytest.raises(InputError, match=r"no data are named: make has 5 classes, .* \(name its data: --data D\)"):
        open_session(Settings(model=model, device="cpu", cache="none"))
    assert main(["layers", "conv", "--model", model, "--device", "cpu", "--cache", "none"]) == 0  # asks for no data
    assert "Conv2d" in capsys.readouterr().out


def test_a_cache_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    settings = Settings(data=str(_folder(tmp_path, (48, 48))), device="cpu", cache=str(tmp_path / "file" / "cache"))
    with open_session(settings) as session:
        about = [note for note in session.notes if str(tmp_path / "file") in note]
        assert len(about) == 2  # parsed data, and the store
        assert session.dataset[0].image.shape == (48, 48, 3)


def test_from_python_a_class_may_be_named() -> None:
    classifier = fer_tui.open_classifier(device="cpu")
    image = np.random.default_rng(0).integers(0, 256, (48, 48), np.uint8)
    named = fer_tui.explain("saliency", classifier, image, target="Fear")
    assert np.array_equal(named.values, fer_tui.explain("saliency", classifier, image, target=2).values)
    (of_many,) = fer_tui.explain_many("saliency", classifier, [image], ["fear"])
    np.testing.assert_allclose(of_many.values, named.values, rtol=1e-4, atol=1e-8)
    with pytest.raises(InputError, match=r"target fera: there is no such class; did you mean fear.*classes are angry"):
        fer_tui.explain("saliency", classifier, image, target="fera")

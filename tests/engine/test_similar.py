"""The most similar images, against brute force in plain torch; what is kept, and what is made again."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from fer_tui.cli import main
from fer_tui.contract import InputError
from fer_tui.engine import Engine, Settings, Store, open_session
from fer_tui.engine.similar import Features


def brute(module: nn.Module, head: str, inputs: torch.Tensor) -> torch.Tensor:
    """float64 (n, features): what the layer of that name is given."""
    caught: list[torch.Tensor] = []
    handle = module.get_submodule(head).register_forward_hook(lambda _, given, out: caught.append(given[0].double()))
    with torch.no_grad():
        for part in inputs.split(64):
            module(part)
    handle.remove()
    return torch.cat(caught)


def check(features: Features, head: str, row: int) -> None:
    """The neighbours of a row have the distances that torch.cosine_similarity gives, and none is nearer."""
    module, searched = features.classifier.module.eval(), features.dataset
    given = brute(module, head, features.classifier.inputs([each.image for each in searched]))
    wanted = brute(module, head, features.classifier.inputs([features.open[row].image]))
    distances = (1 - nn.functional.cosine_similarity(given, wanted)).numpy()
    same = searched.source_rows == features.open.source_rows[row]
    distances[same] = np.inf
    found = features.nearest(row, 8)
    assert len(found) == 8 and not set(np.flatnonzero(same)) & {each.row for each in found}
    ours = [each.distance for each in found]
    np.testing.assert_allclose(ours, distances[[each.row for each in found]], atol=1e-3)
    np.testing.assert_allclose(ours, np.sort(distances)[:8], atol=1e-3)
    assert [each.label for each in found] == [searched.labels[each.row] for each in found]
    assert [each.source for each in found] == [searched.source_rows[each.row] for each in found]


def test_a_real_network_on_a_training_split(shared: Path, nets: Path, tmp_path: Path) -> None:
    with np.load(shared / "data" / "fer2013_trainval.npz") as whole:
        rows = np.r_[0:72, 28709:28717]
        np.savez(tmp_path / "few.npz", **{name: whole[name][rows] for name in ("images", "labels", "usage")})
    settings = Settings(
        data=str(tmp_path / "few.npz"),
        split="PublicTest",
        model=f"{nets}:MobileGap3",
        weights=(str(shared / "models" / "hhccode_mobilenetv1.pt"),),
        device="cpu",
        cache=str(tmp_path),
    )
    with open_session(settings) as session:
        features = Features(session.engine())
        assert list(features.make())[-1] == 1.0
        head = [name for name, each in session.classifier.module.named_modules() if isinstance(each, nn.Linear)][-1]
        assert (features.dataset.split, len(features.dataset), len(features.open)) == ("Training", 72, 8)
        for row in (0, 7):
            check(features, head, row)


class Counting(nn.Module):
    """No linear layer: class maps, averaged. Counts its passes."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first, self.last, self.passes = nn.Conv2d(1, 5, 3), nn.Conv2d(5, 2, 1), 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.passes += len(x)
        return self.last(self.first(x).relu()).mean((2, 3))


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    from fer_tui import open_classifier, open_dataset

    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (1520, 8, 8), dtype=np.uint8), rng.integers(0, 2, 1520)
    np.savez(tmp_path / "noise.npz", images=images, labels=labels, usage=np.r_[np.zeros(1500, int), np.ones(20, int)])
    dataset = open_dataset(tmp_path / "noise.npz", split="PublicTest", cache=str(tmp_path))
    classifier = open_classifier(Counting(), classes=["a", "b"], size=(8, 8), device="cpu", mean=0, std=1)
    return Engine(classifier, dataset, Store.open(tmp_path / "store"))


def test_the_training_split_is_searched_once(engine: Engine) -> None:
    features = Features(engine)
    assert features.dataset.split == "Training" and len(features.dataset) == 1500
    assert list(features.make())[-1] == 1.0
    module = engine.classifier.module
    given = module.first(features.classifier.inputs([each.image for each in features.dataset])).relu().mean((2, 3))
    wanted = module.first(features.classifier.inputs([features.open[3].image])).relu().mean((2, 3))
    distances = (1 - nn.functional.cosine_similarity(given, wanted)).detach().numpy()
    np.testing.assert_allclose([each.distance for each in features.nearest(3, 5)], np.sort(distances)[:5], atol=1e-3)
    before = module.passes
    again = Features(engine)
    assert list(again.make()) == [] and module.passes == before, "they are in the store"
    assert again.nearest(3, 5) == features.nearest(3, 5)
    assert len(again.nearest(3, 10**6)) == 1500
    assert not module.first._forward_pre_hooks and not module.last._forward_pre_hooks


def test_what_was_made_when_it_was_stopped_is_not_made_again(engine: Engine) -> None:
    features = Features(engine)
    steps = features.make()
    while next(steps) < 1024 / 1500:
        pass
    next(steps)  # of the second chunk: the first is kept
    steps.close()
    assert features._chunks and len(features._chunks[0]) == 1024
    list(features.make())
    assert [len(each) for each in features._chunks] == [1024, 476]


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flags = ["--device", "cpu", "--cache", str(tmp_path)]
    assert main(["similar", "--image", "41", "--k", "3", "--json", *flags]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["image"] == 41 and len(told["similar"]) == 3 and told["distance"] == "1 - cosine"
    assert 41 not in [each["row"] for each in told["similar"]]
    distances = [each["distance"] for each in told["similar"]]
    assert distances == sorted(distances) and 0 <= distances[0] < 0.5
    assert main(["similar", "--image", "41", "--k", "3", *flags]) == 0
    out = capsys.readouterr()
    assert f"{distances[0]:.4f}" in out.out and "most similar to image 41" in out.err
    assert main(["similar", "--image", "9999", *flags]) == 2
    assert "rows are 0 to 349" in capsys.readouterr().err


def test_a_picture_that_cannot_be_read_is_never_similar(tmp_path: Path) -> None:
    folder = _pictures(tmp_path)
    settings = Settings(data=str(folder), device="cpu", cache=str(tmp_path))
    for _ in range(2):  # made, then from the store
        with open_session(settings) as session:
            features = Features(session.engine())
            assert list(features.make()) in ([], [pytest.approx(3 / 4)])
            assert {each.row for each in features.nearest(0, 9)} == {1, 3}
            with pytest.raises(InputError, match=r"2\.png: is no picture that can be read"):
                features.nearest(2, 9)


def test_pictures_that_cannot_be_read_may_fill_a_chunk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fer_tui.engine.similar._CHUNK", 2)
    folder = _pictures(tmp_path)
    (folder / "3.png").write_text("no picture")
    with open_session(Settings(data=str(folder), device="cpu", cache=str(tmp_path))) as session:
        features = Features(session.engine())
        assert len(list(features.make())) == 2
        assert {each.row for each in features.nearest(0, 9)} == {1}


def _pictures(tmp_path: Path) -> Path:
    """Four pictures, of which the third is spoiled."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(4):
        pixels = np.random.default_rng(number).integers(0, 256, (48, 48), np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    (folder / "2.png").write_text("no picture")
    return folder

"""Two networks on one checkpoint axis: real ones against plain torch, classes aligned by name, faults in one line."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import fer_tui
from fer_tui.classifier import Networks, open_classifier
from fer_tui.contract import InputError, Place
from fer_tui.engine import Engine, Settings, open_session
from fer_tui.engine.matching import together
from fer_tui.engine.messages import ClassifierOpened, Network
from fer_tui.engine.store import Store
from fer_tui.engine.wire import _decode, encode


class Tiny(nn.Module):
    """A small network of its own input size, with a pooling head."""

    def __init__(self, side: int, seed: int = 0) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.input_shape = (1, side, side)
        self.features = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU())
        self.fc = nn.Linear(4, 3)

    def forward(self, x: torch.Tensor) -> Any:
        return self.fc(self.features(x).mean((2, 3)))


def test_two_real_networks_beside_plain_torch(shared: Path, nets: Path, tmp_path: Path) -> None:
    """Each checkpoint predicts and explains as its own network does; what is stored is told apart."""
    files = {"MobileGap3": "hhccode_mobilenetv1.pt", "PlainCNN": "jimpei_CNN2.pt"}
    first, second = (
        Settings(model=f"{nets}:{name}", weights=(str(shared / "models" / file),)) for name, file in files.items()
    )
    data = shared / "data" / "fer2013_trainval.npz"
    settings = Settings(
        data=str(data), split="PublicTest", limit=40, model=first.model, weights=first.weights, others=(second,),
        device="cpu", cache=str(tmp_path),
    )  # fmt: skip
    assert Settings.from_dict(settings.to_dict()) == settings
    with open_session(settings) as session:
        classifier, engine = session.classifier, session.engine()
        assert classifier.checkpoints == tuple(f"{name} {file}" for name, file in files.items())
        assert classifier.owners == (0, 1) and classifier.names == tuple(files)
        assert classifier.at(0).layers != classifier.at(1).layers == classifier.networks[1].layers

        spec = importlib.util.spec_from_file_location("user_nets", nets)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        images = torch.from_numpy(np.stack([session.dataset[row].image for row in range(40)]))[:, None].float() / 255
        for number, (name, file) in enumerate(files.items()):
            plain = getattr(module, name)().eval()
            plain.load_state_dict(torch.load(shared / "models" / file, weights_only=True))
            with torch.no_grad():
                expected = plain(images).numpy()
            found = np.concatenate([scores for _, scores in engine.scores(number)])
            np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3)

            given = images[5:6].clone().requires_grad_()
            plain(given)[0, 3].backward()
            *_, last = engine.explain("saliency", Place(5, 3, checkpoint=number), {"variant": "gradient"})
            assert given.grad is not None
            reference = given.grad[0, 0].numpy()
            np.testing.assert_allclose(np.abs(last.explanation.values), np.abs(reference), rtol=1e-3, atol=1e-5)
            again = engine.task("saliency", Place(5, 3, checkpoint=number), {"variant": "gradient"})
            assert session.store is not None and session.store.get(again.key()) is not None
        with pytest.raises(InputError, match="no such layer"):
            engine.task("cam", Place(5, 3, classifier.at(0).layers[-2].name, None, 1), {})
        with pytest.raises(InputError, match="there are 2, 0 to 1"):
            engine.task("saliency", Place(5, checkpoint=2), {})


def test_classes_are_aligned_by_name_also_in_the_head() -> None:
    """A network with other order of classes scores, and explains by its own head, as if it were the first's."""
    first = open_classifier(Tiny(8), mean=0.5, classes=("angry", "happy", "sad"))
    own = open_classifier(Tiny(12, seed=3), classes=("Sad", "Angry", "Happy"))
    both = together([first, own], None)
    assert isinstance(both, Networks) and both.classes == ("angry", "happy", "sad")
    assert both.at(1).input_shape == (1, 12, 12) and both.at(0).preprocessing.mean == (0.5,)
    images = [np.random.default_rng(1).integers(0, 255, (12, 12), np.uint8) for _ in range(40)]
    np.testing.assert_array_equal(both.at(1).predict(images), own.predict(images)[:, [1, 2, 0]])
    aligned = both.at(1)
    assert aligned.digest == both.digests[1] != own.digest
    for target in range(3):
        mine = fer_tui.explain("cam", aligned, images[0], target=target)
        theirs = fer_tui.explain("cam", own, images[0], target=(1, 2, 0)[target])
        assert mine.meta["variant"] == theirs.meta["variant"] == "cam"
        np.testing.assert_allclose(mine.values, theirs.values, rtol=1e-5, atol=1e-6)


def test_classes_that_do_not_agree() -> None:
    first = open_classifier(Tiny(8), classes=("angry", "happy", "sad"))
    other = open_classifier(Tiny(8), classes=("angry", "glad", "fear"))
    with pytest.raises(InputError) as caught:
        together([first, other], None)
    fault = str(caught.value)
    assert "Tiny has no happy, sad" in fault and "Tiny has no glad, fear" in fault and "--classes" in fault
    unnamed = together([first, open_classifier(Tiny(8))], None)
    assert unnamed.at(1).classes == first.classes  # nobody told its classes: they count as the first's
    assert unnamed.names == ("Tiny 1", "Tiny 2")


def test_a_run_beside_another_network_grows_at_the_end(tmp_path: Path, bundled: Callable[[int], Path]) -> None:
    run = tmp_path / "run"
    run.mkdir()
    for epoch in (1, 2):
        (run / f"epoch_{epoch}.safetensors").write_bytes(bundled(epoch).read_bytes())
    both = together([open_classifier("fer-gap", run), open_classifier("fer-res")], None)
    assert both.owners == (0, 0, 1) and both.default == both.default_of(0) == 1 and both.default_of(1) == 2
    before = both.digests
    (run / "epoch_3.safetensors").write_bytes(bundled(3).read_bytes())
    both.follow()
    assert both.follow() and both.owners == (0, 0, 1, 0)
    assert both.digests[:3] == before and both.checkpoints[3].endswith("epoch_3.safetensors")
    with pytest.raises(InputError, match="network 2"):
        both.default_of(2)
    assert Engine(both, None, Store.open(tmp_path / "store")).classifier.owners == both.owners


@pytest.fixture
def bundled() -> Callable[[int], Path]:
    """The snapshots of the bundled run, by epoch."""
    from fer_tui.cli.settings import bundled_run

    files = sorted(Path(bundled_run()).glob("*.safetensors"))
    return lambda number: files[number]


def test_what_the_terminal_is_told_of_the_current_network() -> None:
    networks = (Network("A", (1, 8, 8), (), "cpu", "stretch", 0), Network("B", (3, 9, 9), (), "cpu", "pad", 2))
    told = ClassifierOpened(
        "A", ("x", "y"), (1, 8, 8), (), ("a", "b", "c"), ("1", "2", "3"), "cpu", networks=networks, owners=(0, 0, 1)
    )
    frame = encode(told)
    length = int.from_bytes(frame[:4], "little")
    assert _decode(frame[12 : 12 + length], b"") == told
    assert told.at(1) == told and told.at(2).name == "B" and told.at(2).fit == "pad" and told.at(2).at(0) == told

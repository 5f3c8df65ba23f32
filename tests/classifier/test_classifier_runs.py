"""Runs: folders and patterns as weights, half-written files, and a run that grows while it is open."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from fer_tui.classifier import open_classifier
from fer_tui.classifier.formats import is_whole
from fer_tui.classifier.runs import Watch, snapshots
from fer_tui.contract import InputError


class Tiny(nn.Module):
    input_shape = (1, 8, 8)

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(64, 3)

    def forward(self, x):
        return self.head(x.flatten(1))


def save(path: Path) -> Path:
    state = Tiny().state_dict()
    if path.suffix == ".safetensors":
        save_file(state, path)
    else:
        torch.save(state, path)
    return path


def names(*given: Path) -> list[str]:
    return [path.name for path in snapshots(given).paths]


def test_a_folder_is_its_longest_row_in_natural_order(tmp_path: Path) -> None:
    for name in ("epoch_10.pt", "epoch_9.pt", "epoch_100.pt", "best.pt", "last.pt", "optimiser_3.pt", ".hidden_1.pt"):
        save(tmp_path / name)
    (tmp_path / "log.txt").write_text("loss 1\n")
    assert names(tmp_path) == ["epoch_9.pt", "epoch_10.pt", "epoch_100.pt"]
    assert snapshots([tmp_path]).notes == (
        "epoch_9.pt to epoch_100.pt are the run; left out: best.pt, last.pt, optimiser_3.pt",
    )
    assert names(tmp_path / "*_*.pt") == ["epoch_9.pt", "epoch_10.pt", "epoch_100.pt", "optimiser_3.pt"]
    assert names(tmp_path / "best.pt", tmp_path / "epoch_*.pt")[0] == "best.pt"


def test_files_without_numbers_are_all_taken(tmp_path: Path) -> None:
    for name in ("warm.pt", "cold.safetensors"):
        save(tmp_path / name)
    assert names(tmp_path) == ["cold.safetensors", "warm.pt"]


def test_a_run_of_fer_tui_train_is_what_its_file_lists(tmp_path: Path) -> None:
    for name in ("epoch-0000.safetensors", "epoch-0001.safetensors", "epoch-0002.safetensors", "resume.pt"):
        save(tmp_path / name)
    told = [
        "epoch-0000.safetensors",
        None,
        "epoch-0001.safetensors",
        "epoch-0003.safetensors",
        "../epoch-0002.safetensors",
    ]
    epochs = [{"epoch": n, "snapshot": name} for n, name in enumerate(told)]
    about = {"format": "fer-tui-run", "version": 1, "state": "running", "planned": 60, "epochs": epochs}
    (tmp_path / "run.json").write_text(json.dumps(about))
    assert names(tmp_path) == ["epoch-0000.safetensors", "epoch-0001.safetensors"]
    assert snapshots([tmp_path]).notes == ("a run of fer-tui train, running: epoch 4 of 60",)
    (tmp_path / "run.json").write_text('{"format": "fer-tui-run"')
    with pytest.raises(InputError, match=r"run.json: is damaged"):
        names(tmp_path)


@pytest.mark.parametrize("name", ["a.safetensors", "a.pt"])
def test_half_a_file_is_not_whole(tmp_path: Path, name: str) -> None:
    content = save(tmp_path / name).read_bytes()
    assert is_whole(tmp_path / name)
    for length in (0, 5, 40, len(content) // 2, len(content) - 1):
        (tmp_path / name).write_bytes(content[:length])
        assert not is_whole(tmp_path / name), length


def test_what_is_not_whole_is_left_out_and_told(tmp_path: Path) -> None:
    save(tmp_path / "e1.pt"), save(tmp_path / "e2.pt")
    (tmp_path / "e3.pt").write_bytes((tmp_path / "e2.pt").read_bytes()[:200])
    run = open_classifier(Tiny(), tmp_path)
    assert run.checkpoints == ("e1.pt", "e2.pt") and "not whole, and left out: e3.pt" in run.notes
    with pytest.raises(InputError, match="has no weights"):
        snapshots([tmp_path / "x*.pt"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="has no weights"):
        open_classifier(Tiny(), tmp_path / "empty")


def test_a_file_is_told_once_when_it_is_whole_and_at_rest(tmp_path: Path) -> None:
    first = save(tmp_path / "e1.pt")
    watch = Watch([tmp_path], [first])
    assert watch.look() == watch.look() == ()
    content = first.read_bytes()
    (tmp_path / "e2.pt").write_bytes(content[:300])
    assert watch.look() == watch.look() == watch.look() == ()  # at rest, not whole
    (tmp_path / "e2.pt").write_bytes(content)
    assert watch.look() == ()  # whole, and perhaps still written
    assert watch.look() == (tmp_path / "e2.pt",)
    assert watch.look() == ()
    assert Watch([first], [first]).look() == ()  # a file that was named by itself never grows


def test_an_open_run_grows_at_its_end_and_numbers_never_shift(tmp_path: Path) -> None:
    for name in ("e5.pt", "e7.pt"):
        save(tmp_path / name)
    run = open_classifier(Tiny(), tmp_path)
    before = run.digests
    assert run.default == 1 and run.digest == run.at(1).digest == before[1] and run.at(1) is run
    save(tmp_path / "e6.pt"), save(tmp_path / "e8.pt")
    (tmp_path / "e9.pt").write_bytes(b"PK\x03\x04 half")
    torch.save(
        {"head.weight": torch.zeros(3, 9), "head.bias": torch.zeros(3)}, tmp_path / "e10.pt"
    )  # another network's
    assert run.follow() and run.follow()
    assert run.checkpoints == ("e5.pt", "e7.pt", "e6.pt", "e8.pt")
    assert run.digests[:2] == before and len(set(run.digests)) == 4
    assert run.at(3).digest == run.digests[3]
    (tmp_path / "e7.pt").unlink()  # thinned by the training
    assert run.follow() and run.digests[:2] == before
    with pytest.raises(InputError, match=r"e7\.pt: cannot be read"):
        run.at(1)


def test_the_real_run_by_a_pattern(shared: Path, nets: Path) -> None:
    run = open_classifier(f"{nets}:MobileStack", shared / "models" / "jimpei_mnet_*.pt", device="cpu")
    assert run.checkpoints == tuple(f"jimpei_mnet_{epoch:03}.pt" for epoch in (25, 50, 75, 100, 125))
    assert snapshots([shared / "models"]).paths == snapshots([shared / "models" / "jimpei_mnet_*.pt"]).paths

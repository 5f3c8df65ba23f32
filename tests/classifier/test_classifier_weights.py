"""Weights files of every kind that training scripts write."""

from __future__ import annotations

import argparse
import pickle
import zipfile
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from fer_tui.classifier import convert_checkpoint, inspect_checkpoint, open_classifier
from fer_tui.classifier.formats import Format
from fer_tui.classifier.pickles import StandIn, read_inert
from fer_tui.contract import InputError


class Small(nn.Module):
    input_shape = (1, 8, 8)

    def __init__(self, classes: int = 3) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU())
        self.head = nn.Linear(4, classes)

    def forward(self, x):
        return self.head(self.body(x).mean((2, 3)))


@pytest.fixture
def trained() -> Small:
    torch.manual_seed(3)
    module = Small()
    module.body[1].running_mean.uniform_()
    return module.eval()


PICTURE = np.arange(64, dtype=np.uint8).reshape(1, 8, 8) * 3


def same_scores(path: Path, trained: Small, **options) -> bool:
    opened = open_classifier(Small(), path, **options)
    return bool(np.allclose(opened.predict(PICTURE), open_classifier(trained).predict(PICTURE), atol=1e-6))


def prefixed(state, prefix: str):
    return {prefix + key: value for key, value in state.items()}


WRAPPED = {
    "bare": lambda s: s,
    "state_dict": lambda s: {"state_dict": s, "epoch": 3},
    "model": lambda s: {"model": s, "optimizer": {"state": {0: {"exp_avg": torch.ones(2)}}, "param_groups": []}},
    "model_state_dict": lambda s: {"epoch": 1, "model_state_dict": s, "loss": torch.tensor(0.5)},
    "net": lambda s: {"net": s, "acc": 66.1, "epoch": 9},
    "params": lambda s: {"params": s},
    "nested": lambda s: {"checkpoint": {"weights": s}},
    "data parallel": lambda s: prefixed(s, "module."),
    "compiled": lambda s: prefixed(s, "_orig_mod."),
    "compiled parallel": lambda s: {"net": prefixed(s, "module._orig_mod.")},
    "lightning": lambda s: {
        "state_dict": {**prefixed(s, "model."), "criterion.weight": torch.ones(3)},
        "pytorch-lightning_version": "2.1",
        "hyper_parameters": {"lr": 0.1},
        "optimizer_states": [{}],
        "loops": {"fit": {"state_dict": {}}},
    },
    "averaged": lambda s: {**prefixed(s, "module."), "n_averaged": torch.tensor(4)},
    "any prefix": lambda s: prefixed(s, "encoder.trunk."),
    "no batch counts": lambda s: {k: v for k, v in s.items() if not k.endswith("num_batches_tracked")},
    "profiled": lambda s: {**s, "total_ops": torch.zeros(1), "body.total_params": torch.zeros(1)},
    "half": lambda s: {k: v.half() if v.is_floating_point() else v for k, v in s.items()},
    "bfloat16": lambda s: {k: v.bfloat16() if v.is_floating_point() else v for k, v in s.items()},
    "double": lambda s: {k: v.double() if v.is_floating_point() else v for k, v in s.items()},
}


@pytest.mark.parametrize("how", WRAPPED)
@pytest.mark.parametrize("legacy", [False, True])
def test_usual_checkpoints(trained: Small, tmp_path: Path, how: str, legacy: bool):
    path = tmp_path / "net.pt"
    content = WRAPPED[how](trained.state_dict())
    torch.save(content, path, _use_new_zipfile_serialization=not legacy)
    opened = open_classifier(Small(), path)
    atol = {"half": 1e-2, "bfloat16": 5e-2}.get(how, 1e-6)
    assert np.allclose(opened.predict(PICTURE), open_classifier(trained).predict(PICTURE), atol=atol)
    assert {parameter.dtype for parameter in opened.module.parameters()} == {torch.float32}


def test_saved_on_cuda_opened_on_the_cpu(trained: Small, tmp_path: Path):
    torch.save(trained.state_dict(), tmp_path / "cpu.pt")
    path = tmp_path / "cuda.pt"
    with zipfile.ZipFile(tmp_path / "cpu.pt") as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name.endswith("data.pkl"):  # the storages' home, as CUDA would have it
                data = data.replace(b"X\x03\x00\x00\x00cpu", b"X\x06\x00\x00\x00cuda:0")
            new.writestr(name, data)
    if not torch.cuda.is_available():
        with pytest.raises(RuntimeError, match="CUDA"):
            torch.load(path, weights_only=True)
    assert same_scores(path, trained, device="cpu")


def test_a_wrapper_in_the_network_instead(trained: Small, tmp_path: Path):
    class Outer(nn.Module):
        input_shape = (1, 8, 8)

        def __init__(self) -> None:
            super().__init__()
            self.net = Small()

        def forward(self, x):
            return self.net(x)

    torch.save(trained.state_dict(), tmp_path / "inner.pt")
    opened = open_classifier(Outer(), tmp_path / "inner.pt")
    assert np.allclose(opened.predict(PICTURE), open_classifier(trained).predict(PICTURE), atol=1e-6)


def test_safetensors_with_class_names(trained: Small, tmp_path: Path):
    save_file(trained.state_dict(), tmp_path / "n.safetensors", {"classes": '["a", "b", "c"]', "format": "pt"})
    opened = open_classifier(Small(), tmp_path / "n.safetensors")
    assert opened.classes == ("a", "b", "c") and not opened.classes_assumed
    assert same_scores(tmp_path / "n.safetensors", trained)


def test_weights_key(trained: Small, tmp_path: Path):
    path = tmp_path / "two.pt"
    torch.save({"model": Small().state_dict(), "ema": {"shadow": trained.state_dict()}}, path)
    assert same_scores(path, trained, weights_key="ema.shadow")
    assert not same_scores(path, trained)
    assert any("ema.shadow" in note for note in open_classifier(Small(), path).notes)
    with pytest.raises(InputError, match=r"two\.pt: has no weights under emma.shadow; did you mean ema\.shadow\?"):
        open_classifier(Small(), path, weights_key="emma.shadow")


def test_the_state_that_fits_is_taken(trained: Small, tmp_path: Path):
    torch.save({"model": nn.Linear(2, 2).state_dict(), "student": trained.state_dict()}, tmp_path / "kd.pt")
    assert same_scores(tmp_path / "kd.pt", trained)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda s: {k: v for k, v in s.items() if "head" not in k}, r"2 entries missing \(head.weight, head.bias\)"),
        (lambda s: {**s, "extra.weight": torch.ones(2)}, r"1 entry left over \(extra.weight\)"),
        (
            lambda s: {**s, "head.weight": torch.ones(5, 4)},
            r"1 entry of another shape \(head.weight is 5×4, the network's 3×4\)",
        ),
        (
            lambda s: nn.Linear(9, 9).state_dict(),
            r"8 entries missing \(body.0.weight, .*, …\), 2 entries left over \(weight, bias\)",
        ),
    ],
)
def test_a_misfit_is_told_in_words(trained: Small, tmp_path: Path, change, told: str):
    path = tmp_path / "odd.pt"
    torch.save(change(trained.state_dict()), path)
    with pytest.raises(InputError, match=rf"odd\.pt: does not fit Small: .*{told}") as caught:
        open_classifier(Small(), path)
    assert caught.value.mend and "\n" not in str(caught.value)


def test_the_mend_names_the_key_that_fits(trained: Small, tmp_path: Path):
    torch.save({"model": nn.Linear(2, 2).state_dict(), "ema": trained.state_dict()}, tmp_path / "x.pt")
    with pytest.raises(InputError, match="--weights-key ema"):
        open_classifier(Small(), tmp_path / "x.pt", weights_key="model")


class Bomb:
    """Unpickling it creates a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def pickled(path: Path, content: object, how: str) -> Path:
    if how == "plain":
        path.write_bytes(pickle.dumps(content, protocol=4))
    else:
        torch.save(content, path, _use_new_zipfile_serialization=how == "zip")
    return path


@pytest.mark.parametrize("how", ["zip", "legacy", "plain"])
def test_a_pickle_is_never_run(trained: Small, tmp_path: Path, how: str):
    proof = tmp_path / "it ran"
    path = pickled(tmp_path / "bomb.pt", {"state_dict": trained.state_dict(), "x": Bomb(proof)}, how)
    with pytest.raises(InputError, match=r"bomb\.pt: is a pickle that could run code.*pathlib.*--trust"):
        open_classifier(Small(), path)
    report = inspect_checkpoint(path)
    assert not report.opened and any("pathlib" in name for name in report.refused)
    trusted = inspect_checkpoint(path, trust=True)
    assert trusted.opened and trusted.outputs == 3
    out = convert_checkpoint(path, tmp_path / "clean.safetensors")
    assert same_scores(out, trained)
    assert same_scores(path, trained, trust=True)
    assert not proof.exists()
    if how == "zip":
        torch.load(path, weights_only=False)  # the bomb is a real one
        assert proof.exists()


def test_a_pickle_cannot_reach_code_through_a_known_function(trained: Small, tmp_path: Path):
    for name in ("_rebuild_tensor.__code__", "_rebuild_tensor.__globals__", "_rebuild_tensor.__class__"):
        forged = b"".join(
            b"\x8c" + bytes([len(text)]) + text.encode() for text in ("torch._utils", name)
        )  # SHORT_BINUNICODE twice, STACK_GLOBAL, make one of it and set an item
        path = tmp_path / "forged.pt"
        path.write_bytes(b"\x80\x04" + forged + b"\x93)\x81" + b"\x8c\x01aK\x01s.")
        report = inspect_checkpoint(path)
        assert report.refused == (f"torch._utils.{name}",)
        assert isinstance(read_inert(path, Format.PICKLE), StandIn)
    assert "a" not in torch._utils.__dict__


@pytest.mark.parametrize("how", ["zip", "legacy", "plain"])
def test_a_whole_pickled_model_is_converted_without_its_class(tmp_path: Path, how: str, monkeypatch):
    torch.manual_seed(1)
    module = Small().eval()
    monkeypatch.setattr(Small, "__module__", "__main__")
    monkeypatch.setattr("__main__.Small", Small, raising=False)
    expected = open_classifier(module).predict(PICTURE)
    path = pickled(tmp_path / "whole.pt", module, how)
    monkeypatch.undo()
    with pytest.raises(InputError, match=r"__main__\.Small"):
        open_classifier(Small(), path)
    out = convert_checkpoint(path, tmp_path / "whole.safetensors")
    assert np.allclose(open_classifier(Small(), out).predict(PICTURE), expected, atol=1e-6)


def test_a_namespace_in_a_checkpoint_is_named_and_converted(trained: Small, tmp_path: Path):
    content = {
        "state_dict": trained.state_dict(),
        "args": argparse.Namespace(lr=0.1, arch="small"),
        "best_acc": np.float64(0.5),
        "epoch": 4,
        "class_to_idx": {"b": 1, "a": 0, "c": 2},
    }
    path = tmp_path / "train.pth"
    torch.save(content, path)
    with pytest.raises(InputError, match=r"argparse\.Namespace"):
        open_classifier(Small(), path)
    report = inspect_checkpoint(path, trust=True)
    assert "argparse.Namespace" in report.refused
    assert report.facts["epoch"] == 4 and report.facts["best_acc"] == 0.5 and report.facts["args.arch"] == "small"
    out = convert_checkpoint(path, tmp_path / "t.safetensors")
    assert open_classifier(Small(), out).classes == ("a", "b", "c")
    assert inspect_checkpoint(out).facts["epoch"] == 4
    assert [file.name for file in tmp_path.iterdir() if file.name.startswith(".")] == []


def test_conversion_to_a_bad_place(trained: Small, tmp_path: Path):
    torch.save(trained.state_dict(), tmp_path / "n.pt")
    with pytest.raises(InputError, match="cannot be written"):
        convert_checkpoint(tmp_path / "n.pt", tmp_path / "no" / "n.safetensors")


def test_what_a_checkpoint_holds(trained: Small, tmp_path: Path):
    path = tmp_path / "n.pt"
    torch.save({"net": trained.half().state_dict(), "epoch": 7, "acc": 61.5, "classes": ["x", "y", "z"]}, path)
    report = inspect_checkpoint(path)
    assert (report.key, report.channels, report.outputs, report.classes) == ("net", 1, 3, ("x", "y", "z"))
    assert report.shapes["head.weight"] == (3, 4) and report.facts == {"epoch": 7, "acc": 61.5}
    assert report.dtypes == ("float16", "int64") and report.refused == ()
    assert report.parameters == sum(parameter.numel() for parameter in trained.parameters())


def test_a_changed_file_is_another_checkpoint(trained: Small, tmp_path: Path):
    first, second = tmp_path / "a.pt", tmp_path / "b.pt"
    torch.save(trained.state_dict(), first)
    torch.save(Small().state_dict(), second)
    run = open_classifier(Small(), [first, second])
    before, twin = run.digests, run.at(1)
    assert run.at(1) is twin
    torch.save({"epoch": 2, **Small().state_dict()}, second)
    assert run.digests[0] == before[0] and run.digests[1] != before[1]
    assert run.at(1) is not twin and run.at(1).digest == run.digests[1]


def test_an_explainer_at_work_does_not_reach_the_next_checkpoint(trained: Small, tmp_path: Path):
    for name in "ab":
        torch.save(trained.state_dict(), tmp_path / f"{name}.pt")
    run = open_classifier(Small(), [tmp_path / "a.pt", tmp_path / "b.pt"])
    with run.untouched():
        run.module.head.register_forward_hook(lambda *_: torch.zeros(1, 3))
        assert not run.at(1).module.head._forward_hooks
    assert np.array_equal(run.at(1).predict(PICTURE), run.predict(PICTURE))


def test_few_checkpoints_are_kept_in_memory(tmp_path: Path):
    files = []
    for index in range(9):
        files.append(tmp_path / f"{index}.pt")
        torch.save(Small().state_dict(), files[-1])
    run = open_classifier(Small(), files)
    assert len({run.at(index).digest for index in range(9)}) == 9
    assert len(run._twins) <= 5
    assert run.digests == tuple(run.at(index).digest for index in range(9))


def test_tied_and_lazy_weights(tmp_path: Path):
    class Lazy(nn.Module):
        input_shape = (1, 8, 8)

        def __init__(self) -> None:
            super().__init__()
            self.conv, self.head = nn.LazyConv2d(2, 3), nn.LazyLinear(3)

        def forward(self, x):
            return self.head(self.conv(x).flatten(1))

    ready = Lazy().eval()
    expected = ready(torch.ones(1, 1, 8, 8))
    torch.save(OrderedDict(ready.state_dict()), tmp_path / "lazy.pt")
    opened = open_classifier(Lazy(), tmp_path / "lazy.pt")
    assert torch.allclose(opened.scores(torch.ones(1, 1, 8, 8)), expected)

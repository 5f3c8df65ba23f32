"""Bad input: one line that names file or key, and the mend."""

from __future__ import annotations

import json
import os
import re
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from fer_tui.classifier import inspect_checkpoint, open_classifier
from fer_tui.contract import InputError


def fault_of(*arguments, **options) -> str:
    with pytest.raises(InputError) as caught:
        open_classifier(*arguments, **options)
    line = str(caught.value)
    assert "\n" not in line and "\x1b" not in line and len(line) < 500
    return line


def zipped(path: Path, *names: str) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, b"x")


def truncated_zip(path: Path) -> None:
    torch.save({"w": torch.ones(1000)}, path)
    path.write_bytes(path.read_bytes()[:-300])


def truncated_legacy(path: Path) -> None:
    torch.save({"w": torch.ones(1000)}, path, _use_new_zipfile_serialization=False)
    path.write_bytes(path.read_bytes()[:-300])


def truncated_safetensors(path: Path) -> None:
    from safetensors.torch import save

    path.write_bytes(save({"w": torch.ones(1000)})[:-300])


def scripted(path: Path) -> None:
    torch.jit.save(torch.jit.trace(nn.Linear(2, 2), torch.ones(1, 2)), str(path))


LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
FILES = {
    "empty": (lambda p: p.write_bytes(b""), "is empty"),
    "pipe": (os.mkfifo, "is no file, but a pipe"),
    "html": (lambda p: p.write_bytes(b"\n<!DOCTYPE html><html>"), "is a web page, not weights"),
    "lfs": (lambda p: p.write_bytes(LFS), "Git LFS pointer.*git lfs pull"),
    "text": (lambda p: p.write_bytes(b"hello there, no weights"), "is no weights file"),
    "json": (lambda p: p.write_bytes(b'{"weight_map": {}}'), "is JSON, not weights"),
    "hdf5": (lambda p: p.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(64)), r"HDF5 file \(Keras\?\)"),
    "npy": (lambda p: np.save(p.open("wb"), np.ones(3)), "is a NumPy array"),
    "npz": (lambda p: np.savez(p.open("wb"), a=np.ones(3)), "is a NumPy archive"),
    "gzip": (lambda p: p.write_bytes(b"\x1f\x8b" + bytes(64)), "compressed archive"),
    "zip": (lambda p: zipped(p, "readme.txt"), "zip archive without torch weights"),
    "cut zip": (truncated_zip, "truncated or damaged"),
    "cut legacy": (truncated_legacy, "truncated or damaged"),
    "cut safetensors": (truncated_safetensors, "truncated or damaged"),
    "long header": (lambda p: p.write_bytes(struct.pack("<Q", 10**9) + b'{"a"'), "is no weights file"),
    "torchscript": (scripted, "TorchScript archive, which is refused: .*hooked"),
    "pt2": (lambda p: zipped(p, "net/archive_format", "net/models/model.json"), r"torch\.export \(\.pt2\).*run code"),
    "tensor": (lambda p: torch.save(torch.ones(3), p), "holds no named weights"),
    "list": (lambda p: torch.save([torch.ones(3)], p), r"holds no named weights \(a list\)"),
    "empty dict": (lambda p: torch.save({}, p), r"holds no named weights \(an empty dict\)"),
    "optimizer": (lambda p: torch.save({"optimizer": {"a": torch.ones(1)}}, p), "holds no named weights"),
    "pickle bytes": (lambda p: p.write_bytes(b"\x80\x04garbage"), "pickle that could run code|truncated"),
}


@pytest.mark.parametrize("kind", FILES)
def test_files_that_are_no_weights(tmp_path: Path, net_file: Path, kind: str):
    write, told = FILES[kind]
    path = tmp_path / "net.pt"
    write(path)
    line = fault_of(f"{net_file}:Tiny", path)
    assert line.startswith(str(path)) and re.search(told, line), line
    if kind != "pickle bytes":
        with pytest.raises(InputError):
            inspect_checkpoint(path)


def test_missing_unreadable_and_folders(tmp_path: Path, net_file: Path):
    torch.save({}, tmp_path / "weights.pt")
    assert "no such file; did you mean weights.pt?" in fault_of(f"{net_file}:Tiny", tmp_path / "weigths.pt")
    (tmp_path / "other.py").touch()
    assert fault_of(f"{net_file}:Tiny", tmp_path / "other.pt").endswith("other.pt: no such file")  # code is no weights
    assert "no such file" in fault_of(f"{net_file}:Tiny", tmp_path / "nowhere" / "weights.pt")
    assert "weights.pt: holds no named weights" in fault_of(f"{net_file}:Tiny", tmp_path)  # a run of one file
    with pytest.raises(InputError, match=r"is a folder, not a weights file \(name a file in it, such as weights.pt\)"):
        inspect_checkpoint(tmp_path)
    if os.geteuid() != 0:
        (tmp_path / "weights.pt").chmod(0)
        assert "Permission denied" in fault_of(f"{net_file}:Tiny", tmp_path / "weights.pt")


def test_a_bad_file_later_in_the_run_is_found_at_once(tmp_path: Path):
    torch.save(nn.Conv2d(1, 2, 3).state_dict(), tmp_path / "a.pt")
    (tmp_path / "b.pt").write_bytes(b"")
    assert "b.pt: is empty" in fault_of(nn.Sequential(nn.Conv2d(1, 2, 3)), [tmp_path / "a.pt", tmp_path / "b.pt"])


def test_a_file_name_with_escapes_is_shown_escaped(net_file: Path, tmp_path: Path):
    assert r"\x1b[31m" in fault_of(f"{net_file}:Tiny", tmp_path / "\x1b[31mred.pt")


def test_model_specs(tmp_path: Path, net_file: Path):
    assert "there is no bundled network of that name; did you mean fer-gap?" in fault_of("fer-gab")
    assert "no such file; did you mean my_nets.py?" in fault_of(f"{tmp_path}/my_net.py:Tiny")
    line = fault_of(f"{net_file}:Tinny")
    assert "has no Tinny; did you mean Tiny?" in line and "it defines Tiny, Needs, make" in line
    assert "write " in (line := fault_of(str(net_file))) and "one of Tiny, Needs, make" in line
    assert "model int: is of type int, not a class or function" in fault_of(5)
    assert "there is no module no_such_package" in fault_of("no_such_package.nets:Net")
    assert "there is no module torch.nothing" in fault_of("torch.nothing:Net")
    assert "has no Conv9d" in fault_of("torch.nn:Conv9d")
    assert "is of type int, not a class or function" in fault_of(f"{net_file}:NUMBER")
    assert "made something of type " in fault_of(f"{net_file}:halves", model_args={"image": np.ones((2, 2))})
    assert "a module that is built already takes none" in fault_of(nn.Linear(1, 2), model_args={"a": 1})


def test_model_arguments(net_file: Path):
    assert open_classifier(f"{net_file}:Needs", model_args={"num_classes": 4, "in_channels": 3}).input_shape == (
        3,
        48,
        48,
    )
    assert "did you mean classes?" in fault_of("fer-gap", model_args={"clases": 7})
    line = fault_of(f"{net_file}:Needs")
    assert "missing a required argument: 'num_classes'" in line and "--model-arg" in line
    assert "did you mean num_classes?" in fault_of(f"{net_file}:Needs", model_args={"num_class": 4, "in_channels": 1})


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("import torch\nclass Net(\n", r"bad\.py:2: SyntaxError"),
        ("\n\nimport not_a_package_at_all\n", r"bad\.py:3: ModuleNotFoundError.*install not_a_package_at_all"),
        ("import sys\nprint('hi')\nsys.exit(3)\n", r"bad\.py:3: SystemExit.*__main__"),
        ("def Net():\n    return helper()\ndef helper():\n    return 1 / 0\n", r"bad\.py:4: ZeroDivisionError"),
        (
            "from torch import nn\nclass Net(nn.Module):\n    def forward(self, x):\n        return x.nope\n",
            r"bad\.py:4",
        ),
    ],
)
def test_errors_in_the_users_file_name_its_line(tmp_path: Path, capsys, source: str, told: str):
    (tmp_path / "bad.py").write_text(source)
    assert re.search(told, fault_of(f"{tmp_path}/bad.py:Net", size=(8, 8)))
    assert capsys.readouterr().out == ""  # stdout is for data


def test_shapes_that_do_not_fit(net_file: Path):
    spec = f"{net_file}:Tiny"
    assert re.search(
        r"model Tiny, .*my_nets\.py:\d+: does not run on an input of 1×40×40", fault_of(spec, size=(40, 40))
    )
    five = nn.Sequential(nn.Conv2d(5, 2, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    assert "its first convolution takes 5 channels, and pictures have 1 or 3" in fault_of(five)
    assert "does not run on an input of" in fault_of(nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(7, 2)))
    assert "gives one number" in fault_of(nn.Sequential(nn.Flatten(), nn.Linear(48 * 48, 1)))
    assert "returned the shape (2, 2, 46, 46)" in fault_of(nn.Conv2d(1, 2, 3))


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"mean": (0.5, 0.5)}, "mean: 2 numbers for 1 channel"),
        ({"std": (1.0, 1.0, 1.0)}, "std: 3 numbers for 1 channel"),
        ({"std": 0}, "std: 0 is not above 0"),
        ({"mean": float("nan")}, "mean: nan is no finite number"),
        ({"mean": "half"}, "mean: 'half' is no number"),
        ({"fit": "strech"}, "fit: 'strech' is none of stretch, crop, pad; did you mean stretch?"),
        ({"size": (0, 5)}, "size: (0, 5) is not (height, width)"),
        ({"classes": ["a", "b"]}, "classes: 2 for a network of 7 outputs"),
        ({"classes": ["a", "b", "a", "c", "d", "e", "f"]}, "classes: names the class a twice"),
        ({"classes": ["\x1b[2J", ""]}, "'' is no class name"),
        ({"classes": "no_such.txt"}, "no_such.txt: no such file of class names"),
        ({"device": "cuda:9"}, "device cuda:9: "),
        ({"device": "gpu"}, "device gpu: there is no such device"),
        ({"device": "mps"}, "device mps: "),
        ({"transform": "nowhere.py:fn"}, "nowhere.py: no such file"),
        ({"transform": len}, "transform: TypeError"),
        ({"transform": lambda image: "no"}, "transform: returned a str (return a tensor"),
        (
            {"transform": lambda image: torch.zeros(1, 9, 9), "size": (48, 48)},
            "transform: returned the shape (1, 9, 9)",
        ),
        ({"transform": lambda image: torch.zeros(1, 48, 48), "mean": 0.5}, "transform: it replaces mean and std"),
        ({"output": lambda scores: scores.sum()}, "output: returned the shape ()"),
        ({"output": lambda scores: scores.nope}, "AttributeError"),
        ({"output": 3}, "output 3: is of type int, not a function"),
    ],
)
def test_options(net_file: Path, options, told: str):
    assert told in fault_of(f"{net_file}:Tiny", **options)


def test_places_out_of_range(net_file: Path, tmp_path: Path):
    classifier = open_classifier(f"{net_file}:Tiny")
    for index in (-1, 1):
        with pytest.raises(InputError, match=f"checkpoint {index}: there is no such checkpoint"):
            classifier.at(index)
    with pytest.raises(InputError, match=r"layer haed: the network has no such layer; did you mean head\?"):
        classifier.layer("haed")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "names no class"),
        ("{", "is no valid JSON"),
        ('{"a": 0, "b": 2}', "its indices are not 0 to 1"),
        ('{"a": "x"}', "is no table of class names"),
        ("[1, 2]", "1 is no class name"),
    ],
)
def test_files_of_class_names(net_file: Path, tmp_path: Path, content: str, told: str):
    path = tmp_path / "names.json"
    path.write_text(content)
    assert told in fault_of(f"{net_file}:Tiny", classes=path)


def test_pictures(net_file: Path):
    classifier = open_classifier(f"{net_file}:Tiny")
    for picture, told in (
        (np.zeros((48, 48)), "its numbers are float64"),
        (np.zeros((48, 48, 4), np.uint8), r"its shape is \(48, 48, 4\)"),
        (np.zeros((0, 48), np.uint8), "its shape is"),
        (np.zeros(48, np.uint8), "its shape is"),
    ):
        with pytest.raises(InputError, match=told):
            classifier.predict([picture])


def test_torchscript_module_is_refused():
    with pytest.raises(InputError, match="is TorchScript, which is refused"):
        open_classifier(torch.jit.trace(nn.Conv2d(1, 2, 3), torch.ones(1, 1, 8, 8)))


def test_real_exported_program_is_refused(tmp_path: Path, net_file: Path):
    pytest.importorskip("torch.export")
    names = ["net/archive_format", "net/byteorder", "net/data/weights/weight_0"]
    zipped(tmp_path / "n.pt2", *names)
    assert "loading it can run code" in fault_of(f"{net_file}:Tiny", tmp_path / "n.pt2")


def test_class_names_of_a_checkpoint_that_do_not_fit(net_file: Path, tmp_path: Path):
    tiny = open_classifier(f"{net_file}:Tiny").module
    torch.save({"state_dict": tiny.state_dict(), "classes": ["a", "b"]}, tmp_path / "w.pt")
    opened = open_classifier(f"{net_file}:Tiny", tmp_path / "w.pt")
    assert opened.classes[0] == "angry" and any("names 2 classes" in note for note in opened.notes)
    assert json.dumps(opened.notes)

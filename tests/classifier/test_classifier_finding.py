"""Class names, devices, the architecture of a checkpoint, the bundled network."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from fer_tui.classifier import choose_device, find_architectures, inspect_checkpoint, normalisations, open_classifier
from fer_tui.classifier.device import Memory, cap, freest, parse_smi
from fer_tui.classifier.names import names_in, parse_classes
from fer_tui.contract import InputError


def test_class_names_as_given(tmp_path: Path):
    assert parse_classes("a, b,c") == parse_classes(["a", "b", "c"]) == ("a", "b", "c")
    for name, text in (
        ("names.txt", "\ufeffangry\n\n happy face \n"),
        ("list.json", '["angry", "happy face"]'),
        ("map.json", '{"happy face": 1, "angry": 0}'),
        ("nested.json", '{"class_to_idx": {"happy face": 1, "angry": 0}}'),
        ("config.json", '{"id2label": {"1": "happy face", "0": "angry"}, "model_type": "vit"}'),
    ):
        (tmp_path / name).write_text(text, "utf-8")
        assert parse_classes(tmp_path / name) == parse_classes(str(tmp_path / name)) == ("angry", "happy face")
        assert parse_classes((str(tmp_path / name),)) == ("angry", "happy face")


def test_class_names_in_a_checkpoint():
    assert names_in({"hyper_parameters.class_to_idx": {"b": 1, "a": 0}}) == (
        "hyper_parameters.class_to_idx",
        ("a", "b"),
    )
    assert names_in({"id2label": {0: "x", 1: "y"}}) == ("id2label", ("x", "y"))
    assert names_in({"classes": 7, "class_names": ["p", "q"]}) == ("class_names", ("p", "q"))
    assert names_in({"epoch": 3, "classes": {"a": 5}}) is None


def test_cpu_without_a_gpu():
    if not torch.cuda.is_available():
        assert choose_device("auto") == torch.device("cpu")
        with pytest.raises(InputError, match=r"device cuda:0: .*use auto or cpu"):
            choose_device("cuda:0")
    assert choose_device("cpu") == torch.device("cpu")
    with pytest.raises(InputError, match=r"did you mean cuda\?"):
        choose_device("cud")


def test_the_freest_device():
    memories = [Memory(3 << 30, 80 << 30), Memory(70 << 30, 80 << 30), Memory(70 << 30, 80 << 30)]
    assert freest(memories) == 1
    assert cap(memories[1]) == pytest.approx(0.8 * 70 / 80) and cap(Memory(0, 0)) == 1.0


def test_nvidia_smi_under_visible_devices():
    text = "GPU-aaa, 100, 1000\nGPU-bbb, 900, 1000\nGPU-bcc, 500, 1000\n"
    free = lambda visible: [memory.free >> 20 for memory in parse_smi(text, visible) or []]  # noqa: E731
    assert free(None) == [100, 900, 500]
    assert free("2,0") == [500, 100]
    assert free("GPU-bb, GPU-a") == [900, 100]
    assert parse_smi(text, "GPU-b") is None and parse_smi(text, "MIG-1") is None and parse_smi(text, "7") is None
    assert parse_smi("GPU-a, [N/A], 3", None) is None and parse_smi("", None) == []


@pytest.mark.parametrize(
    ("weights", "name"),
    [("hhccode_mobilenetv1", "MobileGap3"), ("jimpei_mnet_075", "MobileStack"), ("jimpei_CNN2", "PlainCNN")],
)
def test_the_architecture_of_a_real_checkpoint(
    shared: Path, nets: Path, weights: str, name: str, monkeypatch, tmp_path
):
    monkeypatch.chdir(tmp_path)
    report = inspect_checkpoint(shared / "models" / f"{weights}.pt")
    assert (report.channels, report.outputs, report.refused) == (1, 7, ())
    best, *others = find_architectures(shared / "models", report.shapes)
    assert best.spec == f"{nets}:{name}" and best.fits and best.named == 1.0
    assert not any(other.fits for other in others)


def test_parameters_of_a_real_checkpoint(shared: Path):
    assert inspect_checkpoint(shared / "models" / "hhccode_mobilenetv1.pt").parameters == 98_823


def test_the_search_runs_only_what_looks_right(net_file: Path, tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text(
        "open('it ran', 'w')\nclass Net:\n    def __init__(self):\n        self.body = 1\n"
    )
    (tmp_path / "broken.py").write_text("class Net(nn.Module:\n")
    (tmp_path / "loop.py").write_text(
        "import models\nclass Net(models.Net):\n    pass\nclass A(B): pass\nclass B(A): pass\n"
    )
    (tmp_path / "below").mkdir()
    net_file.rename(tmp_path / "below" / "my_nets.py")
    state = open_classifier(f"{tmp_path}/below/my_nets.py:Needs", model_args={"num_classes": 4, "in_channels": 3})
    shapes = {f"module.{name}": tuple(tensor.shape) for name, tensor in state.module.state_dict().items()}
    unrun = find_architectures(tmp_path, shapes, run=False)
    assert {each.spec.rpartition(":")[2] for each in unrun} == {"Tiny", "Needs", "make"}
    assert not any(each.fits or each.fault for each in unrun)
    torch.manual_seed(1)
    random_state = torch.get_rng_state()
    found = find_architectures(tmp_path, shapes)
    assert torch.equal(random_state, torch.get_rng_state())
    fitting = {each.spec.rpartition(":")[2]: each.arguments for each in found if each.fits}
    assert fitting == {"Tiny": {"classes": 4, "channels": 3}, "Needs": {"num_classes": 4, "in_channels": 3}}
    assert [each.fault for each in found if not each.fits] == ["0 entries missing, 0 left over, 1 of another shape"]
    assert not (tmp_path / "it ran").exists()


def test_the_numbers_that_scripts_normalise_by(tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text(
        "from torchvision import transforms as T\n"
        "test = T.Compose([T.ToTensor(), T.Normalize((0.5,), (0.25,))])\n"
        "same = T.Normalize(mean=[0.5], std=[0.25])\n"
        "unknown = T.Normalize(MEAN, STD)\n"
        "rgb = T.Normalize([0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225])\n"
    )
    found = normalisations(tmp_path)
    assert [(each.mean, each.std) for each in found] == [
        ((0.5,), (0.25,)),
        ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    ]
    assert found[0].where == f"{tmp_path}/train.py:2"


def test_a_sibling_of_the_model_file_is_found(tmp_path: Path):
    (tmp_path / "parts_of_it.py").write_text("from torch import nn\ndef conv():\n    return nn.Conv2d(1, 2, 3)\n")
    (tmp_path / "whole.py").write_text(
        "from parts_of_it import conv\nfrom torch import nn\n"
        "def net():\n    return nn.Sequential(conv(), nn.AdaptiveAvgPool2d(1), nn.Flatten())\n"
    )
    assert len(open_classifier(f"{tmp_path}/whole.py:net").classes) == 2


def test_two_folders_with_a_module_of_one_name(tmp_path: Path):
    for classes in (2, 3):
        folder = tmp_path / str(classes)
        folder.mkdir()
        (folder / "our_parts.py").write_text(
            f"from torch import nn\ndef conv():\n    return nn.Conv2d(1, {classes}, 3)\n"
        )
        (folder / "whole.py").write_text(
            "from torch import nn\ndef net():\n    from our_parts import conv\n"
            "    return nn.Sequential(conv(), nn.AdaptiveAvgPool2d(1), nn.Flatten())\n"
        )
    for classes in (2, 3, 2):
        assert len(open_classifier(f"{tmp_path}/{classes}/whole.py:net").classes) == classes


def test_an_edited_file_is_read_again(net_file: Path):
    assert len(open_classifier(f"{net_file}:make").classes) == 7
    net_file.write_text(net_file.read_text().replace("def make(classes=7)", "def make(classes=6)"))
    assert len(open_classifier(f"{net_file}:make").classes) == 6
    assert not (net_file.parent / "__pycache__").exists()


def test_the_bundled_network():
    classifier = open_classifier()
    assert classifier.input_shape == (1, 48, 48) and len(classifier.classes) == 7
    assert classifier.digest == open_classifier("fer-res").digest != open_classifier("fer-gap").digest
    assert classifier.predict(np.zeros((2, 48, 48), np.uint8)).shape == (2, 7)


def test_foreign_weights_without_a_model(shared: Path, tmp_path: Path):
    with pytest.raises(
        InputError, match=r"these weights fit no bundled network \(fer-res, fer-gap\).*--model file\.py:Class"
    ):
        open_classifier(None, shared / "models" / "hhccode_mobilenetv1.pt")


def test_notes_are_plain_data(net_file: Path):
    assert json.loads(json.dumps(open_classifier(f"{net_file}:Tiny").notes))

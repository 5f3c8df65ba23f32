"""Trainings from end to end: what they write, that they go on where they were killed, and that they learn."""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.torch import load_file

import fer_tui
from fer_tui.cli import main

SMALL = ["--batch", "16", "--cache", "none"]


def train(data: Path, out: Path, *flags: str) -> int:
    return main(["train", str(data), "-o", str(out), *SMALL, *_network(flags), *flags])


def _network(flags: tuple[str, ...]) -> list[str]:
    """A small network, where the flags name none."""
    return [] if "--model" in flags else ["--model", "fer-gap"]


def curve(run: Path) -> list[dict]:
    """The epochs of a run without what depends on the clock."""
    epochs = json.loads((run / "run.json").read_text())["epochs"]
    return [{key: value for key, value in each.items() if key != "seconds"} for each in epochs]


def start(data: Path, out: Path, *flags: str, launcher: tuple[str, ...] = ("-m", "fer_tui")) -> subprocess.Popen[bytes]:
    command = [sys.executable, *launcher, "train", str(data), "-o", str(out), *SMALL]
    command += [*_network(flags), *flags]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment)


def test_a_run_has_a_snapshot_an_epoch_and_its_record(
    faces: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    assert train(faces, out, "--split", "Training", "--val-split", "PublicTest", "--epochs", "3", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    record = json.loads((out / "run.json").read_text())
    snapshots = [f"epoch-{number:04d}.safetensors" for number in range(4)]
    assert sorted(each.name for each in out.iterdir()) == [*snapshots, "run.json"]
    assert (record["format"], record["version"], record["state"], record["planned"]) == ("fer-tui-run", 1, "done", 3)
    assert told["state"] == "done" and told["last"] == record["epochs"][-1]
    assert record["data"]["used"] == 105 and record["data"]["validation"]["rows"] == 35
    assert record["settings"]["epochs"] == 3 and record["network"]["model"] == "fer-gap"
    for number, entry in enumerate(record["epochs"]):
        assert entry["epoch"] == number and np.sum(entry["validation"]["confusion"]) == 35
        path = out / entry["snapshot"]
        assert entry["digest"] == hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest()
        with safe_open(path, "pt") as stored:
            assert json.loads(stored.metadata()["epoch"]) == number
            assert stored.get_tensor("fc.weight").dtype.itemsize == 2


def test_the_curve_is_what_evaluate_says_of_the_snapshot(
    faces: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    train(faces, out, "--split", "Training", "--val-split", "PublicTest", "--epochs", "2")
    capsys.readouterr()
    snapshot = str(out / "epoch-0002.safetensors")
    flags = ["--split", "PublicTest", "--weights", snapshot, "--json", "--cache", "none"]
    assert main(["evaluate", str(faces), *flags]) == 0
    assert json.loads(capsys.readouterr().out)["confusion"] == curve(out)[-1]["validation"]["confusion"]


@pytest.mark.timeout(240)
def test_killed_at_any_moment_and_started_again_the_curve_is_the_same(faces: Path, tmp_path: Path) -> None:
    """kill -9, several times, at random; the snapshots are the same to the last bit."""
    flags = ["--epochs", "12", "--save-every", "0.02", "--hold-out", "0.2", "--patience", "0"]
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    assert start(faces, whole, *flags).wait() == 0
    chance, kills = random.Random(5), 0
    for _ in range(40):
        process = start(faces, broken, *flags)
        while process.poll() is None and not (broken / "resume.pt").exists():
            time.sleep(0.01)
        time.sleep(chance.uniform(0, 0.6))
        process.send_signal(signal.SIGKILL)
        if process.wait() == 0:
            break
        kills += process.returncode == -signal.SIGKILL
        if kills == 3:
            assert start(faces, broken, *flags).wait() == 0
            break
    assert kills >= 1
    assert curve(broken) == curve(whole)
    assert json.loads((broken / "run.json").read_text())["state"] == "done"


def test_a_run_that_is_done_is_left_alone_and_other_settings_are_refused(
    faces: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    train(faces, out, "--epochs", "1")
    before = (out / "run.json").read_bytes()
    capsys.readouterr()
    assert train(faces, out, "--epochs", "1") == 0
    assert "done already" in capsys.readouterr().err
    assert curve(out) == json.loads(before)["epochs"] or len(curve(out)) == 2
    assert train(faces, out, "--epochs", "1", "--seed", "4") == 2
    assert "holds a run with other seed (0, not 4)" in capsys.readouterr().err


def test_300_coloured_pictures_of_three_classes(
    colours: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A class folder of RGB pictures of many sizes is learned, and what is kept opens as it is."""
    out = tmp_path / "run"
    assert train(colours, out, "--epochs", "6", "--size", "32x32", "--rate", "0.01", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["last"]["validation"]["accuracy"] >= 0.9
    classifier = fer_tui.open_classifier(None, out / told["last"]["snapshot"], device="cpu")
    assert classifier.input_shape == (3, 32, 32) and classifier.classes == ("blue", "green", "red")


def test_early_stop(faces: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    train(faces, out, "--epochs", "30", "--rate", "1e-8", "--average", "0", "--patience", "3")
    record = json.loads((out / "run.json").read_text())
    assert record["state"] == "stopped early" and len(record["epochs"]) < 31
    assert record["epochs"][-1]["epoch"] - record["best"]["epoch"] == 3


def test_an_end_by_the_clock(faces: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    train(faces, out, "--epochs", "100000", "--minutes", "0.08", "--patience", "0", "--keep", "100000")
    record = json.loads((out / "run.json").read_text())
    assert record["state"] == "done" and 1 < len(record["epochs"]) < 100000
    assert record["epochs"][-1]["rate"] < 0.2 * record["settings"]["rate"]  # the schedule came to its end
    assert record["epochs"][-1]["snapshot"] is not None


def test_a_network_of_the_users_own(faces: Path, tmp_path: Path) -> None:
    model = tmp_path / "net.py"
    model.write_text(
        "import torch.nn as nn\n"
        "class Net(nn.Sequential):\n"
        "    def __init__(self, width=8):\n"
        "        last = nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, 7)\n"
        "        super().__init__(nn.Conv2d(1, width, 3), nn.ReLU(), *last)\n"
    )
    out = tmp_path / "run"
    spec = f"{model}:Net"
    assert main(["train", str(faces), "-o", str(out), "--model", spec, "--model-arg", "width=5", "--epochs", "1",
                 "--cache", "none"]) == 0  # fmt: skip
    assert json.loads((out / "run.json").read_text())["network"]["arguments"] == {"width": 5}
    assert load_file(out / "epoch-0001.safetensors")["4.weight"].shape == (7, 5)


def test_two_processes_train_as_one(faces: Path, tmp_path: Path) -> None:
    """torchrun as it is; without batch norms the weights are those of one process, up to rounding."""
    model = tmp_path / "net.py"
    model.write_text(
        "import torch.nn as nn\n"
        "class Net(nn.Sequential):\n"
        "    def __init__(self):\n"
        "        last = nn.AdaptiveAvgPool2d(3), nn.Flatten(), nn.Linear(72, 7)\n"
        "        super().__init__(nn.Conv2d(1, 8, 3, 2), nn.ReLU(), *last)\n"
    )
    flags = ["--model", f"{model}:Net", "--epochs", "2", "--precision", "float32", "--mixing", "0.5"]
    one, two = tmp_path / "one", tmp_path / "two"
    assert train(faces, one, *flags) == 0
    launcher = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "fer_tui")
    process = start(faces, two, *flags, launcher=launcher)
    assert process.wait() == 0, process.stderr.read().decode()
    single, double = (load_file(folder / "epoch-0002.safetensors") for folder in (one, two))
    for name, tensor in single.items():
        assert (tensor - double[name]).abs().max() < 2e-3, name
    assert json.loads((two / "run.json").read_text())["environment"]["processes"] == 2
    losses = [[each["train"]["loss"] for each in curve(folder)[1:]] for folder in (one, two)]
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-4)


@pytest.mark.parametrize(
    ("flags", "fault"),
    [
        (["--batch", "1"], "batch: 1 is not within 2 to 1e+06"),
        (["--val-split", "Publictest2"], "did you mean PublicTest?"),
        (["--epochs", "many"], "argument --epochs: 'many' is not a whole number"),
        (["--model", "fer-rse"], "there is no bundled network of that name; did you mean fer-res?"),
        (["--votes", "none.csv"], "none.csv: no such file"),
        (["--model", "fer-gap", "--model", "fer-res"], "train makes one network, and fer-gap, fer-res are named"),
    ],
)
def test_bad_input_is_one_line(
    faces: Path, tmp_path: Path, flags: list[str], fault: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", str(faces), "-o", str(tmp_path / "run"), "--cache", "none", *flags]) == 2
    told = capsys.readouterr().err.strip()
    assert fault in told and "\n" not in told
    assert not (tmp_path / "run" / "run.json").exists()


def test_a_folder_with_other_things_is_refused(faces: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "thesis.tex").write_text("")
    assert train(faces, tmp_path, "--epochs", "1") == 2
    assert "holds other things and no run" in capsys.readouterr().err

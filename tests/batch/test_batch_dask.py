"""A batch made with dask by two real processes, and by nodes of a network of which parts fail."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("distributed", reason="fer-tui[dask] is not installed")
pytest.importorskip("cryptography", reason="fer-tui[dask] is not installed")

import psutil

from fer_tui.cli import main
from fer_tui.contract import Heatmap, Place
from fer_tui.engine import open_session

from .batchkit import DEADLY, FAULTY, FIT, SLOW, STUBBORN
from .conftest import Kit
from .test_batch_interrupted import LIMIT, running

HUB = "10.77.0.254"
NODES = ("10.77.0.1", "10.77.0.2")
HASTE = {  # the least that dask takes; TCP's own needs 11 s, so that a cut link is found by the missing heartbeat
    "DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": "2s",
    "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "2s",
    "DASK_DISTRIBUTED__COMM__TIMEOUTS__TCP": "12s",
}


def workers(pid: int) -> list[psutil.Process]:
    """Dask's workers below a process."""
    return [each for each in psutil.Process(pid).children(recursive=True) if _is_worker(each)]


def _is_worker(process: psutil.Process) -> bool:
    try:
        return "--multiprocessing-fork" in process.cmdline()
    except psutil.Error:
        return False


def is_what_a_plain_loop_makes(kit: Kit) -> bool:
    with open_session(kit.settings) as session:
        places = [Place(row, 3) for row in range(len(session.dataset))]
        for place, result in zip(places, session.engine().explain_many("counted", places), strict=True):
            assert isinstance(result.explanation, Heatmap)
            np.testing.assert_array_equal(result.explanation.values, session.dataset[place.image or 0].image)
    return not kit.explained()


def test_whatever_is_killed_every_map_is_made(kit: Kit) -> None:
    rows = set(range(kit.settings.limit or 0))
    with running(kit, "--engine", "dask", "--workers", "1") as (process, event):  # the driver: workers end with it
        while event()["made"] < 2:
            pass
        started = psutil.Process(process.pid).children(recursive=True)
        assert len(workers(process.pid)) == 1
        os.kill(process.pid, signal.SIGKILL)
        assert psutil.wait_procs(started, timeout=LIMIT)[1] == []
    first = kit.stored("counted")
    kit.explained()
    assert 0 < len(first) < len(rows)
    with running(kit, "--engine", "dask") as (process, event):  # a worker: its chunk is made by the other
        while not event()["made"]:
            pass
        assert len(workers(process.pid)) == 2
        workers(process.pid)[0].kill()
        out, said = process.communicate(timeout=LIMIT)
        assert process.returncode == 0, said
    last = json.loads(out.splitlines()[-1])
    assert (last["done"], last["missing"], last["total"], last["aside"]) == (True, 0, len(rows), 0)
    second = kit.explained()
    assert not second.keys() & first and second.keys() | first == rows
    assert is_what_a_plain_loop_makes(kit)


def test_rows_that_kill_or_hold_up_their_workers_are_set_aside_alone(
    kit: Kit, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "ssh"  # as a host that does not see the store: what one worker keeps is told to the others
    here.write_text('while [ "$1" != -- ]; do shift; done\nexec sh -c "exec $3"\n')
    monkeypatch.setenv("FER_TUI_SSH", f"sh {here}")
    monkeypatch.setenv("FER_TUI_PLUGIN_LIMIT", "2")
    words = ["--engine", "dask", "--scheduler", "ssh:here"]
    assert main(["batch", "holding", "--targets", "3", "--json", *kit.flags, *words]) == 1
    out, said = capsys.readouterr()
    told = json.loads(out)
    assert sorted(each["image"] for each in told["aside"]) == [DEADLY, FAULTY, SLOW, STUBBORN]
    assert f"set aside: row {DEADLY} (" in said and "its worker died 2 times" in said
    assert kit.stored("holding") == set(range(kit.settings.limit or 0)) - {DEADLY, FAULTY, SLOW, STUBBORN}
    assert kit.explained()[FIT] == 1


@dataclass(frozen=True)
class Network:
    """Three namespaces on one bridge: of the driver, and of two nodes."""

    prefix: str

    def run(self, *words: str) -> None:
        subprocess.run(words, check=True, capture_output=True, timeout=20)

    def name(self, of: str) -> str:
        return f"{self.prefix}-{of}"

    def make(self) -> None:
        hub = self.name("hub")
        self.run("ip", "netns", "add", hub)
        self.run("ip", "-n", hub, "link", "add", "bridge", "type", "bridge")
        self.run("ip", "-n", hub, "addr", "add", f"{HUB}/24", "dev", "bridge")
        for address in NODES:
            node, wire = self.name(address), f"to{address[-1]}"
            self.run("ip", "netns", "add", node)
            self.run("ip", "link", "add", wire, "netns", hub, "type", "veth", "peer", "name", "eth0", "netns", node)
            self.run("ip", "-n", hub, "link", "set", wire, "master", "bridge", "up")
            self.run("ip", "-n", node, "addr", "add", f"{address}/24", "dev", "eth0")
            self.run("ip", "-n", node, "link", "set", "eth0", "up")
            self.run("ip", "-n", node, "link", "set", "lo", "up")
        self.run("ip", "-n", hub, "link", "set", "bridge", "up")
        self.run("ip", "-n", hub, "link", "set", "lo", "up")

    def cut(self, address: str) -> None:
        self.run("ip", "-n", self.name("hub"), "link", "set", f"to{address[-1]}", "down")

    def workers(self, address: str) -> list[psutil.Process]:
        found = subprocess.run(["ip", "netns", "pids", self.name(address)], capture_output=True, text=True, check=True)
        return [each for each in map(psutil.Process, map(int, found.stdout.split())) if _is_worker(each)]

    def remove(self) -> None:
        for of in ("hub", *NODES):
            subprocess.run(["ip", "netns", "del", self.name(of)], capture_output=True, timeout=20)


@pytest.fixture
def network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Network]:
    """Its nodes, and a FER_TUI_SSH that comes to them as ssh would; all that they then say to one another is real."""
    made = Network(f"fer-tui-{os.getpid()}")
    if os.geteuid() != 0 or shutil.which("ip") is None:
        pytest.skip("network namespaces need root, and the command ip of iproute2")
    try:
        try:
            made.make()
        except subprocess.CalledProcessError as error:
            pytest.skip(f"no network namespaces here: {error.stderr.decode().strip()}")
        ssh = tmp_path / "ssh"
        ssh.write_text(
            'while [ "$1" != -- ]; do shift; done\n'
            f'SSH_CONNECTION="{HUB} 1 $2 22" exec ip netns exec {shlex.quote(made.prefix)}-"$2" sh -c "exec $3"\n'
        )
        monkeypatch.setenv("FER_TUI_SSH", f"sh {ssh}")
        for name, value in HASTE.items():
            monkeypatch.setenv(name, value)
        yield made
    finally:
        made.remove()


def test_a_node_that_is_cut_off_costs_its_chunks_only(kit: Kit, network: Network) -> None:
    rows = set(range(kit.settings.limit or 0))
    words = ["batch", "counted", "--targets", "3", "--events", *kit.flags, "--workers", "1"]
    command = [
        sys.executable,
        "-P",
        "-m",
        "fer_tui",
        *words,
        "--engine",
        "dask",
        "--scheduler",
        f"ssh:{','.join(NODES)}",
    ]
    process = subprocess.Popen(
        ["ip", "netns", "exec", network.name("hub"), *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        made, began = 0, time.monotonic()
        while made < 10 and time.monotonic() - began < LIMIT:
            line = process.stdout.readline()
            assert line, process.communicate()[1]
            made = json.loads(line)["made"]
        assert [len(network.workers(address)) for address in NODES] == [1, 1]
        network.cut(NODES[1])
        network.workers(NODES[0])[0].kill()
        out, said = process.communicate(timeout=LIMIT)
        assert process.returncode == 0, said
    finally:
        process.kill()
        process.communicate()
    last = json.loads(out.splitlines()[-1])
    assert (last["done"], last["missing"], last["total"], last["aside"]) == (True, 0, len(rows), 0)
    assert kit.explained().keys() == rows
    assert is_what_a_plain_loop_makes(kit)

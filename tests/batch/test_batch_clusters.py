"""Clusters of dask: what may be said of them, who may speak to them, and that nothing of them stays."""

from __future__ import annotations

import dataclasses
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("distributed", reason="fer-tui[dask] is not installed")
pytest.importorskip("cryptography", reason="fer-tui[dask] is not installed")

import psutil
from distributed import Client, Security

from fer_tui.batch import nodes
from fer_tui.batch.clusters import Scheduler, joined, scheduler
from fer_tui.batch.credentials import of_files, temporary
from fer_tui.batch.slurm import described
from fer_tui.contract import InputError

STARTS = """
import sys
from fer_tui.batch import nodes
with nodes.cluster(nodes.here(), 1, local=True):
    print("started", flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize(
    ("text", "understood"),
    [
        (None, Scheduler()),
        ("tls://10.0.0.5:8786", Scheduler("address", "tls://10.0.0.5:8786")),
        ("tcp://127.0.0.1:8786", Scheduler("address", "tcp://127.0.0.1:8786")),
        ("tcp://[::1]:8786", Scheduler("address", "tcp://[::1]:8786")),
        ("ssh:a,me@b", Scheduler("ssh", hosts=("a", "me@b"))),
        ("ssh:a,python=/opt/bin/python", Scheduler("ssh", hosts=("a",), options={"python": "/opt/bin/python"})),
        ("slurm", Scheduler("slurm")),
        ("slurm:time=1-02:00:00,gres=gpu:1", Scheduler("slurm", options={"time": "1-02:00:00", "gres": "gpu:1"})),
    ],
)
def test_a_scheduler_is_understood(text: str | None, understood: Scheduler) -> None:
    assert scheduler(text) == understood


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("10.0.0.5:8786", "is no scheduler"),
        ("http://10.0.0.5:8786", "is no address"),
        ("tls://10.0.0.5", "is no address"),
        ("tls://10.0.0.5:port", "is no address"),
        ("tcp://10.0.0.5:8786", "does not encrypt"),
        ("ssh:", "is no scheduler"),
        ("ssh:a,port=22", "there is no port"),
        ("slurm:gpu", "is no scheduler"),
    ],
)
def test_what_cannot_be_or_would_be_unsafe_is_refused(text: str, fault: str) -> None:
    with pytest.raises(InputError, match=fault):
        scheduler(text)


def test_one_that_does_not_encrypt_needs_a_word() -> None:
    assert scheduler("tcp://10.0.0.5:8786", insecure=True).address == "tcp://10.0.0.5:8786"
    with pytest.raises(InputError, match="a scheduler that is there"):
        scheduler("ssh:a", insecure=True)


def test_a_host_is_never_an_option_of_ssh() -> None:
    with pytest.raises(InputError, match="not the name of a host"):
        nodes.over_ssh(["-oProxyCommand=touch x"])


def test_certificates_are_checked_before_anything_is_sent(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        of_files(str(tmp_path / "ca.pem"), None, None)
    with pytest.raises(InputError, match="needs the cluster's certificates"):
        of_files(None, None, None)
    (tmp_path / "ca.pem").write_text("nothing")
    with pytest.raises(InputError, match="no certificates in PEM"):
        of_files(*[str(tmp_path / "ca.pem")] * 3)


@pytest.fixture(scope="module")
def cluster() -> Iterator[tuple[str, Mapping[str, Any]]]:
    with nodes.cluster(nodes.here(), 1, local=True) as made:
        yield made


def test_only_who_has_the_keys_is_let_in(cluster: tuple[str, Mapping[str, Any]], tmp_path: Path) -> None:
    address, credentials = cluster
    with Client(address, security=Security(**credentials), set_as_default=False) as client:
        client.wait_for_workers(1, timeout=30)
    with pytest.raises(OSError), Client(address.replace("tls", "tcp"), timeout=5):
        pass
    with pytest.raises(OSError, match="TLS certificate"), Client(address, security=Security(**temporary()), timeout=5):
        pass
    files = []
    for name in ("ca_file", "client_cert", "client_key"):
        files.append(tmp_path / name)
        files[-1].write_text(credentials[f"tls_{name}"])
    asked = dataclasses.replace(scheduler(address), tls=tuple(map(str, files)))
    with joined(asked, None, print) as client:
        assert len(client.scheduler_info()["workers"]) == 1
    with pytest.raises(InputError, match="has the workers that it has"), joined(asked, 2, print):
        pass


def test_nothing_listens_outside_and_no_key_can_be_read(cluster: tuple[str, Mapping[str, Any]]) -> None:
    port = int(cluster[0].rpartition(":")[2])
    ours = [process for process in psutil.process_iter() if _listens(process, port)]
    assert len(ours) == 1
    for process in (*ours, *ours[0].children(recursive=True)):
        assert {c.laddr.ip for c in process.net_connections("inet") if c.status == "LISTEN"} <= {"127.0.0.1"}
        assert "PRIVATE" not in "".join(process.cmdline()) + "".join(process.environ().values())
    worker = ours[0].children()[-1]
    assert worker.environ()["MALLOC_TRIM_THRESHOLD_"] == "1073741824"


def _listens(process: psutil.Process, port: int) -> bool:
    try:
        return any(c.laddr.port == port for c in process.net_connections("inet") if c.status == "LISTEN")
    except psutil.Error:
        return False


def test_nodes_end_with_the_process_that_started_them() -> None:
    batch = subprocess.Popen([sys.executable, "-c", STARTS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert batch.stdout is not None and batch.stdout.readline() == "started\n"
    started = psutil.Process(batch.pid).children(recursive=True)
    assert len(started) >= 2  # the node and its worker
    batch.kill()
    batch.communicate()
    assert psutil.wait_procs(started, timeout=20)[1] == []


def test_a_node_that_cannot_start_says_why() -> None:
    command = {"there": [sys.executable, "-c", "raise ImportError('no fer_tui')"]}
    fault = "there: no worker could be started: ImportError: no fer_tui"
    with pytest.raises(InputError, match=fault), nodes.cluster(command, 1, local=True):
        pass


def test_the_job_that_slurm_gets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("dask_jobqueue", reason="fer-tui[dask] is not installed")
    monkeypatch.setenv("FER_TUI_CACHE", str(tmp_path))
    asked = {"queue": "gpu", "time": "02:00:00", "memory": "8GB", "cpus": "4", "gres": "gpu:1", "python": "/opt/python"}
    with described(asked) as cluster:
        script = cluster.job_script()
        (folder,) = tmp_path.glob(".keys-*")
        assert folder.stat().st_mode & 0o077 == 0
        assert cluster.scheduler.http_server.address == "127.0.0.1"
    for line in ("-p gpu", "-t 02:00:00", "--mem=8G", "--cpus-per-task=4", "--gres=gpu:1", f"-o {tmp_path}/jobs/"):
        assert f"#SBATCH {line}" in script
    for line in (
        "MALLOC_TRIM_THRESHOLD_=1073741824",
        "OMP_NUM_THREADS=4",
        "DASK_DISTRIBUTED__WORKER__MEMORY__TERMINATE=False",
    ):
        assert f"export {line}\n" in script
    command = script.splitlines()[-1]
    assert command.startswith("/opt/python -m distributed.cli.dask_worker tls://") and " --nthreads 1 " in command
    assert f"--tls-key {folder}/" in command and " --dashboard-address 127.0.0.1:0 " in command
    assert "PRIVATE" not in script and not folder.exists()  # they end with the cluster
    with pytest.raises(InputError, match="the memory of a job"), described({"queue": "gpu"}):
        pass
    with pytest.raises(InputError, match=r"there is no memroy.*memory"), described({"memroy": "8GB"}):
        pass


def test_slurm_needs_sbatch(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="there is no sbatch"), joined(scheduler("slurm:memory=8GB"), 2, print):
        pass


@pytest.fixture
def sshd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An ssh server of this test on the loopback interface, and FER_TUI_SSH, which comes in there."""
    server = shutil.which("sshd") or shutil.which("/usr/sbin/sshd")
    if server is None or not shutil.which("ssh") or not shutil.which("ssh-keygen"):
        pytest.skip("OpenSSH's server is not installed")
    for key in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / key)], check=True)
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # it would not start without
    port = _free_port()
    (tmp_path / "config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {tmp_path}/host\nPidFile none\nStrictModes no\nUsePAM no\n"
        f"AuthorizedKeysFile {tmp_path}/user.pub\nPasswordAuthentication no\nPermitRootLogin yes\n"
    )
    process = subprocess.Popen([server, "-D", "-f", str(tmp_path / "config")], stderr=subprocess.DEVNULL)
    ssh = f"ssh -F none -p {port} -i {tmp_path}/user -o IdentityAgent=none -o StrictHostKeyChecking=no"
    monkeypatch.setenv("FER_TUI_SSH", f"{ssh} -o UserKnownHostsFile={tmp_path}/known -o LogLevel=ERROR")
    try:
        for _ in range(100):
            if _answers(port):
                break
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait()


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _answers(port: int) -> bool:
    with socket.socket() as there:
        return there.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.usefixtures("sshd")
def test_nodes_over_ssh(monkeypatch: pytest.MonkeyPatch) -> None:
    with joined(scheduler("ssh:127.0.0.1,localhost"), 1, print) as client:
        client.wait_for_workers(2, timeout=30)
        workers = client.scheduler_info(n_workers=-1)["workers"]
        started = [psutil.Process(pid) for pid in client.run(os.getpid).values()]
        environ = {p.environ()["MALLOC_TRIM_THRESHOLD_"] for p in started}
    assert all(address.startswith("tls://127.0.0.1:") for address in workers) and environ == {"1073741824"}
    assert psutil.wait_procs(started, timeout=20)[1] == []
    monkeypatch.setenv("FER_TUI_SSH", os.environ["FER_TUI_SSH"].replace("-i ", "-i /nowhere"))
    fault = r"ssh 127\.0\.0\.1: no worker could be started: .*Permission denied"
    with pytest.raises(InputError, match=fault), joined(scheduler("ssh:127.0.0.1"), 1, print):
        pass

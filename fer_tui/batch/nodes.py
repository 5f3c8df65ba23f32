"""A dask cluster of nodes that fer-tui starts, on this machine or over ssh, and ends."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import re
import shlex
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from fer_tui.contract import InputError

from .credentials import temporary
from .node import ALLOCATOR, Asked

_START = 60.0  # seconds for a node to say that it is there
_END = 10.0  # seconds for it to go
_HOST = re.compile(r"[\w.@:\[\]%][\w.@:\[\]%-]*")
_MODULE = "fer_tui.batch.node"


class Node:
    """A process that runs a part of the cluster. `name` stands for it in messages."""

    def __init__(self, name: str, command: Sequence[str], asked: Asked) -> None:
        self._name = name
        self._faults = tempfile.TemporaryFile()  # noqa: SIM115  # closed with the node
        self._said: queue.Queue[Mapping[str, Any] | None] = queue.Queue()
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._faults,
            start_new_session=True,  # the terminal's Ctrl+C is for the batch, which ends its nodes
        )
        threading.Thread(target=self._listen, daemon=True).start()
        self._write(asked.to_json().encode() + b"\n")

    def answer(self, word: str) -> Any:
        """What it says of `word`; InputError where it says something else, or nothing."""
        try:
            said = self._said.get(timeout=_START)
        except queue.Empty:
            raise InputError(self._name, f"gives no answer within {_START:.0f} s") from None
        if said is None or word not in said:
            raise InputError(self._name, f"no worker could be started: {self._fault(said or {})}")
        return said[word]

    def end(self) -> None:
        """It is to go; `close` waits for it."""
        with contextlib.suppress(OSError):
            assert self._process.stdin is not None
            self._process.stdin.close()

    def close(self) -> None:
        self.end()
        try:
            self._process.wait(_END)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._faults.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _write(self, line: bytes) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):  # it is gone: `answer` tells why
            self._process.stdin.write(line)
            self._process.stdin.flush()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with contextlib.suppress(ValueError):
                self._said.put(json.loads(line))
        self._said.put(None)

    def _fault(self, said: Mapping[str, Any]) -> str:
        if "fault" in said:
            return str(said["fault"])
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(1.0)
        self._faults.seek(0)
        lines = self._faults.read().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else f"it ended with {self._process.returncode}"


def here() -> dict[str, Sequence[str]]:
    """The one node that is this machine: its name, and the command that starts it."""
    return {"this machine": [sys.executable, "-m", _MODULE]}


def over_ssh(hosts: Sequence[str], python: str | None = None) -> dict[str, Sequence[str]]:
    """A node for each host: the `ssh` command (FER_TUI_SSH names another one) must come in without a password.

    python: the interpreter there that has fer-tui (None: it lies where it lies here).
    """
    ssh = shlex.split(os.environ.get("FER_TUI_SSH", "ssh"))
    there = shlex.join([python or sys.executable, "-m", _MODULE])
    for host in hosts:
        if not _HOST.fullmatch(host):
            raise InputError("--scheduler ssh:HOST,...", f"{host!r} is not the name of a host")
    options = ["-T", "-o", "BatchMode=yes", "-o", "ServerAliveInterval=15"]
    return {f"ssh {host}": [*ssh, *options, "--", host, there] for host in dict.fromkeys(hosts)}


@contextlib.contextmanager
def cluster(
    nodes: Mapping[str, Sequence[str]], workers: int | None, *, local: bool, environ: Mapping[str, str] | None = None
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The scheduler's address and the credentials of a cluster of these nodes (see `here`, `over_ssh`).

    The first one runs the scheduler, too. workers: of each (None: one for each GPU, else for each core). local: listens
    on the loopback interface alone.
    """
    credentials = temporary()
    (first, command), *others = nodes.items()
    own = {name: value for name, value in os.environ.items() if name.startswith("DASK_")}

    def asked(scheduler: str | None) -> Asked:
        return Asked(
            scheduler, "127.0.0.1" if local else None, workers, credentials, str(Path.cwd()),
            ALLOCATOR | own | dict(environ or {}),
        )  # fmt: skip

    with contextlib.ExitStack() as stack:
        started = [stack.enter_context(Node(first, command, asked(None)))]
        address = started[0].answer("scheduler")
        started += [stack.enter_context(Node(name, words, asked(address))) for name, words in others]
        for node in started:
            node.answer("workers")
        for node in started:
            stack.callback(node.end)  # of all, before any is waited for
        yield address, credentials

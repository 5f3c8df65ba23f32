"""A node of a dask cluster: `python -m fer_tui.batch.node`, which fer-tui starts on this machine or over ssh.

What it is to be comes as one line of JSON on stdin, keys of TLS with it: so they are on no command line, which every
user of a machine can read, and on no disk. What came of it goes to stdout, a line of JSON each. It ends with stdin, and
so with the process that started it, however that ended.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from distributed import Nanny

_AGAIN = 5.0  # seconds until a worker that lost its scheduler tries again
_CLOSING = 3.0  # seconds for workers to say that they go
_FORGOTTEN = 3600.0  # seconds with nothing to do: then whoever started the scheduler is out of reach
UNSERVED = "127.0.0.1:0"  # dask always starts a web server: here, and it has no pages (`CONFIG`)

CONFIG: dict[str, Any] = {
    "distributed.scheduler.allowed-failures": 0,  # the driver counts how often a chunk's worker died
    "distributed.scheduler.worker-saturation": 1.0,  # a worker holds one chunk: its death is no other chunk's
    "distributed.scheduler.work-stealing": False,
    "distributed.scheduler.active-memory-manager.start": False,
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
    "distributed.worker.profile.enabled": False,
    "distributed.admin.system-monitor.gil.enabled": False,
    "distributed.admin.system-monitor.interval": "5s",
    "distributed.admin.tick.interval": "500ms",  # of dask's own 20 ms a worker would feel each
    "distributed.diagnostics.nvml": False,  # it would take memory on each GPU
}
ALLOCATOR = {"MALLOC_TRIM_THRESHOLD_": "1073741824", "MALLOC_MMAP_THRESHOLD_": "1073741824"}
"""What glibc's malloc of a worker starts with: dask's own setting gives freed memory back at once, a third slower."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a node is to be.

    scheduler: the address of one, None: this node runs it, too. host: the address to listen on, None: the one that ssh
    came to. workers: how many, None: one for each GPU, else for each core. security: of dask's `Security`. folder: the
    working folder, where it is there. environ: of the workers.
    """

    scheduler: str | None
    host: str | None
    workers: int | None
    security: Mapping[str, Any]
    folder: str
    environ: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> str:
        return json.dumps(asdict(self))


def main() -> None:
    asked = Asked(**json.loads(sys.stdin.readline()))
    say = _private_stdout()
    with contextlib.suppress(OSError):
        os.chdir(asked.folder)
    os.environ.update(asked.environ)
    try:
        asyncio.run(_serve(asked, say))
    except Exception as error:
        cause = error.__cause__ or error
        say(fault=f"{type(cause).__name__}: {cause}")
        sys.exit(1)


async def _serve(asked: Asked, say: Callable[..., None]) -> None:
    import dask
    from distributed import Nanny, Scheduler, Security

    over = asyncio.Event()
    _at_end_of_input(asyncio.get_running_loop(), over.set)
    own: dict[str, Any] = {
        "host": asked.host or _reached_at(),
        "protocol": "tls",
        "security": Security(**asked.security),
        "dashboard_address": UNSERVED,
    }
    with dask.config.set(CONFIG):
        async with contextlib.AsyncExitStack() as stack:
            address = asked.scheduler
            if address is None:
                scheduler = Scheduler(port=0, dashboard=False, idle_timeout=_FORGOTTEN, **own)
                address = (await stack.enter_async_context(scheduler)).address
                say(scheduler=address)
            each = _environments(asked.workers)
            makers = [partial(Nanny, address, nthreads=1, memory_limit=0, env=environ, **own) for environ in each]
            nannies = await asyncio.gather(*(make() for make in makers))
            work = [asyncio.create_task(_keep(*pair)) for pair in zip(nannies, makers, strict=True)]
            say(workers=len(work))
            await over.wait()
            for task in work:
                task.cancel()
            await asyncio.wait(work, timeout=_CLOSING)


async def _keep(nanny: Nanny, make: Callable[[], Nanny]) -> None:
    """Keep a worker of one thread: where the way to the scheduler was cut, it is there again once the way is."""
    while True:
        try:
            await nanny.finished()
        finally:
            await nanny.close()
        nanny = await _again(make)


async def _again(make: Callable[[], Nanny]) -> Nanny:
    while True:
        await asyncio.sleep(_AGAIN)
        with contextlib.suppress(OSError, RuntimeError):
            nanny: Nanny = await make()
            return nanny


def _environments(workers: int | None) -> list[dict[str, str]]:
    """What each worker's environment has of its own: a GPU, where there are any, and its share of the cores."""
    devices = _devices()
    count = workers or len(devices) or _cores()
    threads = {"OMP_NUM_THREADS": str(max(1, _cores() // count))}
    return [threads | ({"CUDA_VISIBLE_DEVICES": devices[i % len(devices)]} if devices else {}) for i in range(count)]


def _devices() -> Sequence[str]:
    """The CUDA devices of this machine that may be seen."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return [name for name in visible.split(",") if name.strip() not in ("", "-1")]
    try:
        listed = subprocess.run(["nvidia-smi", "--list-gpus"], capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return []
    return [str(number) for number, line in enumerate(listed.stdout.splitlines()) if line.startswith("GPU")]


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _reached_at() -> str:
    """This machine's address that ssh came to, which the one who came can reach."""
    words = os.environ.get("SSH_CONNECTION", "").split()
    return words[2] if len(words) == 4 else "127.0.0.1"


def _at_end_of_input(loop: asyncio.AbstractEventLoop, over: Callable[[], object]) -> None:
    def wait() -> None:
        while sys.stdin.read(1 << 16):
            pass
        loop.call_soon_threadsafe(over)

    threading.Thread(target=wait, daemon=True).start()
    for number in (signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, over)


def _private_stdout() -> Callable[..., None]:
    """Writes a line of JSON to what stdout was; what explainers print from now on goes nowhere."""
    out = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(nowhere, stream.fileno())

    def say(**fields: object) -> None:
        print(json.dumps(fields), file=out, flush=True)

    return say


if __name__ == "__main__":
    main()

"""Commands of fer-tui that run in the background of the explorer, in processes of their own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Mapping, Sequence

NICE = 10  # the explorer's own processes go first
_PATIENCE = 2.0  # seconds from the interrupt to the kill
_LONGEST = 1 << 20  # bytes of a line


def command(words: Sequence[str]) -> list[str]:
    """What runs `fer-tui` with these words behind it. What lies in the current folder is not installed."""
    return [sys.executable, "-P", "-m", "fer_tui", *words]


async def started(
    words: Sequence[str], *, stdout: int, stderr: int, more: Mapping[str, str] | None = None
) -> asyncio.subprocess.Process:
    """A process that is at work, at low priority; OSError where there is none. more: of its environment."""
    process = await asyncio.create_subprocess_exec(
        *command(words),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        env={**os.environ, **(more or {})},
        start_new_session=True,  # the terminal's Ctrl+C is for the explorer
        limit=_LONGEST,
    )
    give_way(process.pid)
    return process


def give_way(pid: int) -> None:
    """Let a process work at low priority."""
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, pid, NICE)


async def ended(process: asyncio.subprocess.Process) -> None:
    """Interrupt it, so that it tidies up; kill it where that takes long."""
    for number, seconds in ((signal.SIGINT, _PATIENCE), (signal.SIGKILL, None)):
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(number)
        try:
            await asyncio.wait_for(process.wait(), seconds)
            return
        except TimeoutError:
            continue

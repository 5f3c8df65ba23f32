"""What a batch would cost, told by `fer-tui batch --dry-run` in a process of its own while the user still chooses."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence

from fer_tui.contract import plain

from .batching import Estimate
from .children import ended, started

_SOON = 0.4  # seconds without another choice, after which it is asked


class Estimating:
    """One estimate at a time. estimate: of what was wanted last; fault: why there is none. What is known is kept."""

    def __init__(self) -> None:
        self._task: asyncio.Task[None] | None = None
        self._wanted: tuple[str, ...] = ()
        self._known: dict[tuple[str, ...], Estimate] = {}
        self.fault = ""

    @property
    def estimate(self) -> Estimate | None:
        return self._known.get(self._wanted)

    @property
    def is_working(self) -> bool:
        return self._task is not None and not self._task.done()

    def want(self, words: Sequence[str]) -> None:
        """Estimate the batch that these words name, from now on."""
        wanted = tuple(words)
        if wanted == self._wanted:
            return
        self.stop()
        self._wanted, self.fault = wanted, ""
        if wanted and wanted not in self._known:
            self._task = asyncio.create_task(self._ask(wanted), name="estimate")

    def forget(self) -> None:
        """The store has other maps by now: nothing that was known holds."""
        self.stop()
        self._known, self._wanted, self.fault = {}, (), ""

    def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            self._task = None

    async def close(self) -> None:
        """No process stays behind."""
        task = self._task
        self.stop()
        if task is not None:
            await asyncio.wait([task])

    async def _ask(self, words: tuple[str, ...]) -> None:
        await asyncio.sleep(_SOON)
        pipe = asyncio.subprocess.PIPE
        try:
            process = await started([*words, "--dry-run", "--json"], stdout=pipe, stderr=pipe)
        except OSError as error:
            self.fault = f"it cannot be measured: {error.strerror}"
            return
        try:
            told, said = await process.communicate()
        finally:
            if process.returncode is None:
                with contextlib.suppress(asyncio.CancelledError):
                    await ended(process)
        estimate = Estimate.read(told.decode("utf-8", "replace"))
        if estimate is not None:
            self._known[words] = estimate
            return
        lines = said.decode("utf-8", "replace").split("\n")
        last = next((line for line in reversed(lines) if line.strip()), f"it ended with {process.returncode}")
        self.fault = plain(last.removeprefix("fer-tui: "))

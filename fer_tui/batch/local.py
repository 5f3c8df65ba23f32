"""The crew of this machine: a process for each GPU, or for each core."""

from __future__ import annotations

import contextlib
import json
import queue
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from fer_tui.contract import InputError

from . import frames, pipes
from .chunks import Chunk, Outcome

if TYPE_CHECKING:
    from .work import Spec

_STARTS = 3  # times in a row that a worker may end before it has opened anything


@dataclass(frozen=True, slots=True)
class Post:
    """What one worker opens, and the environment that is its own, such as the GPU that it sees."""

    spec: Spec
    environment: Mapping[str, str]


class Local:
    """A process for each of `posts`. They share nothing; they end with this process, however it ends."""

    def __init__(self, posts: Sequence[Post]) -> None:
        self._through: queue.SimpleQueue[tuple[_Member, Outcome | str]] = queue.SimpleQueue()
        self._members = [_Member(post, self._through) for post in posts]

    @property
    def width(self) -> int:
        return len(self._members)

    @property
    def window(self) -> int:
        return 2 * self.width  # of each, one that is made and one that waits

    def submit(self, chunk: Chunk) -> None:
        min(self._members, key=lambda member: len(member.chunks)).take(chunk)

    def ended(self, timeout: float) -> Outcome | None:
        try:
            member, what = self._through.get(timeout=timeout) if timeout else self._through.get_nowait()
        except queue.Empty:
            return None
        if isinstance(what, Outcome):
            return what
        return member.replaced(what)

    def close(self) -> None:
        for member in self._members:
            member.kill()
        for member in self._members:
            member.thread.join()


class _Member:
    """A worker: its process, the chunks that it has, a thread that listens to it."""

    def __init__(self, post: Post, through: queue.SimpleQueue[tuple[_Member, Outcome | str]]) -> None:
        self._post, self._through = post, through
        self.chunks: deque[Chunk] = deque()
        self._failures = 0
        self._start()

    def _start(self) -> None:
        self._is_open = False
        self._process = pipes.started("fer_tui.batch.worker", self._post.environment)
        self._tell(json.dumps(self._post.spec.to_dict()))
        assert self._process.stdout is not None
        self.thread = threading.Thread(target=self._listen, args=(self._process, self._process.stdout), daemon=True)
        self.thread.start()

    def take(self, chunk: Chunk) -> None:
        self.chunks.append(chunk)
        self._tell(json.dumps(chunk.to_dict()))

    def replaced(self, fault: str) -> Outcome | None:
        """The worker is gone: start another one, with all that it had but the chunk at which it died."""
        if not self._is_open:
            self._failures += 1
            if self._failures >= _STARTS:
                raise InputError("worker", fault, "run the same on one image: fer-tui explain")
        died = Outcome(self.chunks.popleft(), died=fault) if self.chunks and self._is_open else None
        left, self.chunks = list(self.chunks), deque()
        self._start()
        for chunk in left:
            self.take(chunk)
        return died

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def _tell(self, line: str) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):  # it is gone, which its end of the other pipe tells
            pipes.tell(self._process.stdin, line.encode() + b"\n")

    def _listen(self, process: subprocess.Popen[bytes], stream: BinaryIO) -> None:
        fault = ""
        while not fault and (frame := frames.read(stream, self._chunk)) is not None:
            if isinstance(frame, str):
                fault, self._is_open = frame, not frame
            else:
                self._failures = 0
                self._through.put((self, frame))
        code = process.wait()
        self._through.put((self, fault or _ended(code)))

    def _chunk(self, index: int) -> Chunk:
        """The chunk of that index, which the worker is through with: it does them in their order."""
        chunk = self.chunks.popleft()
        assert chunk.index == index
        return chunk


def _ended(code: int) -> str:
    """How a worker ended, in words."""
    if code < 0:
        with contextlib.suppress(ValueError):
            return f"its process was ended by {signal.Signals(-code).name}"
        return f"its process was ended by signal {-code}"
    return f"its process ended with code {code}"

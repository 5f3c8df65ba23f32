"""What the compute process tells, as tests hear it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from fer_tui.engine.messages import Message

M = TypeVar("M", bound=Message)


class Heard:
    """All messages that came, and a way to wait for one."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self._news = asyncio.Event()

    def receive(self, message: Message) -> None:
        self.messages.append(message)
        self._news.set()

    def all(self, kind: type[M]) -> list[M]:
        return [m for m in self.messages if isinstance(m, kind)]

    async def wait(self, kind: type[M], which: Callable[[M], bool] = lambda m: True, seconds: float = 60) -> M:
        async with asyncio.timeout(seconds):
            while True:
                for message in self.all(kind):
                    if which(message):
                        return message
                self._news.clear()
                await self._news.wait()

"""Time to the first saliency map in the explorer: from the start, and from torch being imported.

python benchmarks/first_answer.py [--rounds N]

The messages are those that the explorer gets and sends; each round has a compute process and an empty store of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time

from fer_tui.contract import Place
from fer_tui.engine import Settings
from fer_tui.engine.client import Compute
from fer_tui.engine.messages import Answer, Described, Message, Narration


async def measured(settings: Settings) -> dict[str, float]:
    """Seconds since the start, by event."""
    began = time.perf_counter()
    times: dict[str, float] = {}
    first = asyncio.Event()

    def receive(message: Message) -> None:
        now = time.perf_counter() - began
        match message:
            case Narration(text="importing torch"):
                times.setdefault("compute process up", now)
            case Narration(text="opening the network"):
                times.setdefault("torch imported", now)
            case Described(remembered=False):
                times.setdefault("explainers loaded", now)
                compute.explain("saliency", {}, Place(image=0))
            case Answer(final=True):
                times.setdefault("first saliency map", now)
                first.set()

    compute = Compute(settings, receive)
    running = asyncio.create_task(compute.run())
    await asyncio.wait_for(first.wait(), 60)
    await compute.close()
    await running
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    rounds = []
    for _ in range(arguments.rounds + 1):  # the first round warms the disk cache
        with tempfile.TemporaryDirectory() as cache:
            rounds.append(asyncio.run(measured(Settings(device="cpu", cache=cache))))
    medians = {name: statistics.median(each[name] for each in rounds[1:]) for name in rounds[0]}
    for name, median in medians.items():
        print(f"{name:20} {median * 1000:6.0f} ms")
    gap = statistics.median(each["first saliency map"] - each["torch imported"] for each in rounds[1:])
    print(f"from torch imported to the first map: {gap * 1000:.0f} ms")


if __name__ == "__main__":
    main()

"""Time to the first painted frame: the explorer beside a bare Textual app, in turn, in one run.

python benchmarks/first_paint.py [--rounds N] [-- fer-tui open ...]
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

from ptyrun import PtyRun

BARE = """
from textual.app import App
from textual.widgets import Static
class Bare(App):
    def compose(self):
        yield Static("painted-here")
Bare().run()
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("command", nargs="*", default=[str(Path(sys.executable).with_name("fer-tui")), "open"])
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bare = Path(folder, "bare.py")
        bare.write_text(BARE)
        contenders = {
            "bare Textual": ([sys.executable, str(bare)], b"painted-here"),
            "fer-tui": (arguments.command, b"fer-tui"),
        }
        times: dict[str, list[float]] = {name: [] for name in contenders}
        for _ in range(arguments.rounds + 1):  # the first round warms the disk cache
            for name, (command, text) in contenders.items():
                with PtyRun(command) as run:
                    times[name].append(run.wait_for(text))
    medians = {name: statistics.median(found[1:]) for name, found in times.items()}
    for name, median in medians.items():
        print(f"{name:14} {median * 1000:6.0f} ms")
    print(f"ratio          {medians['fer-tui'] / medians['bare Textual']:.2f}")


if __name__ == "__main__":
    main()

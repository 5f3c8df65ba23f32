"""Questions on a terminal, each with a guess; where nobody is to be asked, the guess is the answer."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from fer_tui.contract import InputError, plain

from . import flags, streams


class Questions:
    """Asks on stderr and stdin; under `yes` nothing is asked and every guess is taken."""

    def __init__(self, yes: bool) -> None:
        if not yes and not sys.stdin.isatty():
            raise flags.UsageError("error: there is no terminal to ask on: --yes takes every guess")
        self._yes = yes

    def confirm(self, question: str, guess: bool = True) -> bool:
        """Yes or no."""
        if self._yes:
            return True
        while True:
            answer = self._ask(f"{question} [{'Y/n' if guess else 'y/N'}]").lower()
            if answer in ("", "y", "yes", "n", "no"):
                return guess if not answer else answer[0] == "y"

    def choose(self, question: str, choices: Sequence[str]) -> int:
        """The index of one of `choices`; the first is the guess."""
        if self._yes or len(choices) == 1:
            return 0
        for number, choice in enumerate(choices, 1):
            streams.say(f"  {number}  {choice}")
        while True:
            answer = self._ask(f"{question} [1]") or "1"
            if answer.isascii() and answer.isdigit() and 1 <= int(answer) <= len(choices):
                return int(answer) - 1

    def text(self, question: str, guess: str) -> str:
        """A line of text; nothing means the guess."""
        return guess if self._yes else self._ask(f"{question} [{guess or 'none'}]") or guess

    def _ask(self, question: str) -> str:
        print(f"{plain(question)} ", end="", file=sys.stderr, flush=True)
        line = sys.stdin.readline()
        if not line:
            raise InputError("stdin", "ended before the question was answered", "--yes takes every guess")
        return line.strip()

"""Key presses as commands: counts (`5j`) and keys after one another (`g e`)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .bindings import Binding

_MOST_DIGITS = 9


@dataclass(frozen=True, slots=True)
class Command:
    """A binding that was pressed. count: None where no number was typed before it."""

    binding: Binding
    count: int | None = None

    @property
    def times(self) -> int:
        """The count, 1 where there is none."""
        return 1 if self.count is None else self.count


class Keys:
    """Takes key presses one by one and remembers what is not complete yet."""

    def __init__(self, bindings: Iterable[Binding]) -> None:
        self._bindings = {tuple(key.split(" ")): binding for binding in bindings for key in binding.keys}
        self._begun = {keys[:n] for keys in self._bindings for n in range(1, len(keys))}
        self._digits = ""
        self._keys: tuple[str, ...] = ()

    @property
    def pending(self) -> str:
        """What was typed of a command that is not complete: `5`, `12g`."""
        return self._digits + "".join(self._keys)

    def press(self, key: str) -> Command | None:
        """The command that `key` completes, if it does."""
        if not self._keys and key.isdecimal() and key.isascii():
            self._digits = (self._digits + key)[:_MOST_DIGITS]
            return None
        if key == "escape" and self.pending:
            self.clear()
            return None
        self._keys += (key,)
        if self._keys in self._begun:
            return None
        binding = self._bindings.get(self._keys)
        count = int(self._digits) if self._digits else None
        self.clear()
        return Command(binding, count) if binding is not None else None

    def clear(self) -> None:
        """Forget what was typed."""
        self._digits, self._keys = "", ()

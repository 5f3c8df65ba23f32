"""The keys that put another network or checkpoint beside the current one."""

from __future__ import annotations

from fer_tui.tui.keys import Command

from .base import DeskScreen

_ONE = "there is nothing to put beside it: --model again, or several --weights"


class Pairing(DeskScreen):
    """A screen that shows two networks or checkpoints, if the user wants to see both."""

    @property
    def pair_shown(self) -> bool:
        """Whether both are shown."""
        raise NotImplementedError

    def show_pair(self, shown: bool) -> None:
        """Show both from now on, maybe with another one beside it than before, or one alone."""
        raise NotImplementedError

    def do_beside(self, command: Command) -> None:
        beside, browser = self.desk.beside, self.desk.browser
        if browser is None or beside.partner is None:
            self.say(_ONE)
            return
        if command.count is not None and not beside.choose(command.count - 1):
            here = command.count - 1 == browser.checkpoint
            self.say(f"checkpoint {command.count} is {'the current one' if here else 'not there'}")
            return
        self.show_pair(command.count is not None or not self.pair_shown)

    def do_beside_next(self, command: Command) -> None:
        self._turn(command.times)

    def do_beside_previous(self, command: Command) -> None:
        self._turn(-command.times)

    def _turn(self, steps: int) -> None:
        """Show both; the next of the others is beside it where both were shown already."""
        beside = self.desk.beside
        if beside.partner is None:
            self.say(_ONE)
            return
        if self.pair_shown:
            beside.turn(steps)
        self.show_pair(True)
        number = beside.number
        which = f" ({number + 1} of {len(beside.others)})" if number is not None else ""
        self.say(f"beside it: {beside.name}{which}")

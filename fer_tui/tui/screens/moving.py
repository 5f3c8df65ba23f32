"""The keys that move through the listed images."""

from __future__ import annotations

from fer_tui.tui.keys import Command

from .choosing import Choosing


class Moving(Choosing):
    """A screen on which the cursor goes from image to image."""

    @property
    def page(self) -> int:
        """The images of a page."""
        return 10

    def moved(self) -> None:
        """The cursor is at another image: show it."""
        raise NotImplementedError

    def move(self, steps: int) -> None:
        """To a neighbouring image."""
        if self.desk.browser is not None:
            self.desk.browser.move(steps)
            self.moved()

    def do_down(self, command: Command) -> None:
        self.move(command.times)

    def do_up(self, command: Command) -> None:
        self.move(-command.times)

    def do_page_down(self, command: Command) -> None:
        self.move(command.times * self.page)

    def do_page_up(self, command: Command) -> None:
        self.move(-command.times * self.page)

    def do_first(self, command: Command) -> None:
        self.go_to(command.count, 0)

    def do_last(self, command: Command) -> None:
        self.go_to(command.count, self.desk.browser.count - 1 if self.desk.browser is not None else 0)

    def go_to(self, row: int | None, position: int) -> None:
        """To a row of the dataset, or to a position in the list."""
        browser = self.desk.browser
        if browser is None:
            return
        if row is None:
            browser.move_to(position)
        elif not browser.go(row):
            exists = row < len(browser.predictions)
            self.say(f"image {row} is not listed" if exists else f"images are 0 to {len(browser.predictions) - 1}")
        self.moved()

"""The key that sorts the list."""

from __future__ import annotations

from fer_tui.tui.keys import Command
from fer_tui.tui.order import NAMES, ORDERS, Order, turned

from .moving import Moving
from .popups import Choice


class Sorting(Moving):
    """A screen with a list of images that can be sorted."""

    def listed_anew(self) -> None:
        """The list has another order: draw it."""
        raise NotImplementedError

    def do_sort(self, command: Command) -> None:
        browser = self.desk.browser
        if browser is None:
            return
        if command.count is not None:
            self._choose_order(command.count - 1)
            return
        orders = [turned(each, browser.order) for each in ORDERS]
        names = [f"{NAMES[each.by]} {'↓ descending' if each.down else '↑ ascending'}" for each in orders]
        at = [each.by for each in ORDERS].index(browser.order.by)
        self.app.push_screen(Choice("sort by", names, at), self._choose_order)

    def _choose_order(self, number: int | None) -> None:
        if number is None or self.desk.browser is None:
            return
        if 0 <= number < len(ORDERS):
            self.sort(turned(ORDERS[number], self.desk.browser.order))
        else:
            self.say(f"orders are 1 to {len(ORDERS)}")

    def sort(self, order: Order) -> None:
        """List in this order; the image at the cursor stays the same."""
        browser = self.desk.browser
        if browser is None:
            return
        if not browser.sort(order):
            self.say("the scores of so many images are not kept: sort by confidence, loss, entropy or margin")
        self.listed_anew()
        if not browser.predictions.complete and order.by != "dataset":
            self.say(f"sorted by what is predicted so far ({browser.predictions.count:,}); again when all are")

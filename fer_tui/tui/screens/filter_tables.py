"""Tables on the Filters screen: those of the layer's gallery, whose rows lead to filters, classes and images."""

from __future__ import annotations

from fer_tui.contract import Place
from fer_tui.tui.asking import Answered
from fer_tui.tui.filters import Filters

from .tabling import Tabling


class FilterTables(Tabling):
    """A row of a filter, or of a class in the view of classes, puts the cursor there; one of an image opens it."""

    @property
    def filters(self) -> Filters:
        return self.desk.filters

    @property
    def tabled(self) -> Answered:
        return self.filters.asking.answered

    def chose(self) -> None:
        """Another filter is chosen: show it."""
        raise NotImplementedError

    def go_to_place(self, place: Place) -> None:
        browser, number = self.desk.browser, place.target if self.filters.view == "class" else place.filter
        if browser is None:
            return
        if fault := self.wrong(place):
            self.say(fault)
        elif place.image is not None:
            if place.target is not None:
                browser.target = place.target
            browser.go(place.image)
            self.go("explore")
        elif number is not None:
            self.filters.choose(number)
            self.chose()

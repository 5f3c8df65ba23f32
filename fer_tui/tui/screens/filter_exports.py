"""The Filters screen written to files: galleries with their numbers, and sheets in the order of the screen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from fer_tui.contract import plain
from fer_tui.naming import file_name
from fer_tui.tui.exporting import Item
from fer_tui.tui.filters import METHOD
from fer_tui.tui.gallery_sheet import GallerySheet

from .exports import Exporting, Offer

_OF_LAYER = ("ascent", "outputs", "images")  # the views that have one gallery for all filters
_TOLD = {
    "ascent": "what excites them (ascent)",
    "outputs": "their outputs on this image",
    "images": "the image that excites each most",
}
_SHORT = {"ascent": "ascent", "outputs": "outputs here", "images": "images"}


class FilterExports(Exporting):
    """A sheet of filters that can be exported."""

    def offers(self) -> Iterator[Offer]:
        filters, layer = self.desk.filters, self.desk.filters.layer
        if filters.description is not None and filters.count and layer is not None:
            if filters.view == "class":
                title = f"the {filters.count} classes: ascent"
                yield title, partial(self._ask_classes, self.home / file_name(METHOD, "class"))
            else:
                yield f"the {layer.filters} filters: {_SHORT[filters.view]}", partial(self._ask_layer, [filters.view])
                known = [view for view in _OF_LAYER if filters.request(view) is not None]
                if len(known) > 1:
                    all_of_it = ", ".join(_SHORT[view] for view in known)
                    yield f"the {layer.filters} filters: {all_of_it}", partial(self._ask_layer, known)
                title = f"the images that excite filter {filters.chosen} most"
                yield title, partial(self._ask_top, filters.chosen)
        yield from super().offers()

    def _ask_layer(self, views: Sequence[str]) -> None:
        """The galleries of all filters of the layer, each with a sheet in the order of the screen."""
        filters, layer = self.desk.filters, self.desk.filters.layer
        assert layer is not None
        order, sorted_by = list(filters.sorted()), filters.order
        names = {view: file_name(METHOD, view, layer.name) for view in views}
        about = f"{self.desk.project.name}: {plain(layer.name)} ({plain(layer.kind)}), by {sorted_by}"
        sheets = [
            GallerySheet(f"sheet_{view}.png", f"{about}: {_TOLD[view]}", [(name, number) for number in order])
            for view, name in names.items()
        ]

        def items() -> list[Item]:
            facts = {"layer": layer.name, "kind": layer.kind, "shape": list(layer.shape), "order": order}
            return list(self._items({name: (view, None, None) for view, name in names.items()}, **facts))

        self.ask_folder(self.home / file_name(METHOD, *views, layer.name), items, partial(_draw, sheets))

    def _ask_classes(self, folder: Path) -> None:
        browser = self.desk.browser
        assert browser is not None
        names = {number: file_name(number, METHOD, name) for number, name in enumerate(browser.classes)}
        sheet = GallerySheet(
            "sheet_class.png", f"{self.desk.project.name}: ascent of classes", [(n, at) for at, n in names.items()]
        )
        wanted = {name: ("class", None, number) for number, name in names.items()}
        self.ask_folder(folder, lambda: list(self._items(wanted)), partial(_draw, [sheet]))

    def _ask_top(self, number: int) -> None:
        layer = self.desk.filters.layer
        assert layer is not None
        name = file_name(METHOD, "images", layer.name, number)
        facts = {"layer": layer.name, "filter": number}
        self.ask_folder(self.home / name, lambda: list(self._items({name: ("images", number, None)}, **facts)))

    def _items(self, wanted: Mapping[str, tuple[str, int | None, int | None]], **facts: object) -> Iterator[Item]:
        """wanted: view, filter and class by the name of the file."""
        for name, (view, number, target) in wanted.items():
            request = self.desk.filters.request(view, filter=number, target=target)
            if request is not None:
                yield self.item(name, request, request.place, view=view, **facts)


def _draw(sheets: Sequence[GallerySheet], folder: Path, made: Sequence[str]) -> None:
    for sheet in sheets:
        sheet.write(folder, made)

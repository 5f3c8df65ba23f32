"""The theme that is worn: chosen, kept, and read again when its file changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fer_tui.contract import InputError

from . import theme

if TYPE_CHECKING:
    from textual.app import App

    from .state import State


class Wardrobe:
    """The app's themes. configured: the one that settings name; without, the one that was kept last, else the default.

    fault: why a theme could not be worn, until it is told.
    """

    def __init__(self, app: App[int], state: State, configured: str | None) -> None:
        self._app, self._state, self.fault = app, state, ""
        kept = state.user.values.get("theme")
        few = app.no_color or app.console.color_system == "standard"  # sixteen colours, which the terminal's user chose
        default = theme.TERMINAL if few else theme.DEFAULT
        self.skin = self._loaded(configured or (kept if isinstance(kept, str) else "")) or theme.load(default)
        self._stamp = self.skin.stamp
        self._put_on()

    def wear(self, name: str) -> bool:
        """Use this theme; whether it could be read."""
        skin = self._loaded(name)
        if skin is None:
            return False
        self.skin, self._stamp = skin, skin.stamp
        self._put_on()
        return True

    def keep(self) -> None:
        """Use this theme at the next start, too."""
        name = self.skin.name
        self._state.user.change(lambda values: values.update(theme=name))

    def watch(self) -> bool:
        """Read the user's own theme again where its file is another one; whether the colours are others now."""
        if self.skin.stamp == self._stamp:
            return False
        self._stamp = self.skin.stamp
        return self.wear(self.skin.name)

    def _put_on(self) -> None:
        self._app.register_theme(self.skin.theme)
        if self._app.theme == self.skin.theme.name:  # the same name, other colours
            self._app.refresh_css(animate=False)
        self._app.theme = self.skin.theme.name

    def _loaded(self, name: str) -> theme.Skin | None:
        if not name:
            return None
        try:
            return theme.load(name)
        except InputError as error:
            self.fault = str(error)
            return None

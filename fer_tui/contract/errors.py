"""What can go wrong, in one line each."""

from __future__ import annotations

from .words import plain


class FerTuiError(Exception):
    """The base of all that fer-tui raises on purpose: a message of one line, safe for a terminal."""

    def __init__(self, message: object) -> None:
        super().__init__(plain(message))


class InputError(FerTuiError):
    """Bad input: `where` (file, row or key), what is wrong with it, and the mend. Exit code 2."""

    def __init__(self, where: object, fault: object, mend: object = "") -> None:
        self.where, self.fault, self.mend = plain(where), plain(fault), plain(mend)
        super().__init__(f"{where}: {fault}" + (f" ({mend})" if mend else ""))


class PictureError(InputError):
    """One picture of many that cannot be read. is_spoiled: it is there; else it, or the permission, may come back."""

    is_spoiled = True


class PluginError(FerTuiError):
    """An explainer that could not be loaded, broke its contract or raised; `details` is its traceback."""

    def __init__(self, plugin: str, fault: object, details: str = "") -> None:
        self.plugin, self.fault, self.details = plugin, plain(fault), details
        super().__init__(f"explainer {plugin}: {fault}")

"""Where fer-tui keeps things between two runs."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """The folder of store and parsed datasets: FER_TUI_CACHE, else the user's cache folder. It may not exist yet."""
    named = os.environ.get("FER_TUI_CACHE")
    if named:
        return Path(named).expanduser()
    import platformdirs

    return Path(platformdirs.user_cache_dir("fer-tui"))


def state_folder() -> Path | None:
    """The folder of marks, notes and places: FER_TUI_STATE (`none`: nothing is kept), else the user's state folder."""
    named = os.environ.get("FER_TUI_STATE")
    if named == "none":
        return None
    if named:
        return Path(named).expanduser()
    import platformdirs

    return Path(platformdirs.user_state_dir("fer-tui", appauthor=False))


def configuration_folder() -> Path:
    """The folder of the user's configuration and themes: FER_TUI_CONFIG, else the user's configuration folder."""
    named = os.environ.get("FER_TUI_CONFIG")
    if named:
        return Path(named).expanduser()
    import platformdirs

    return Path(platformdirs.user_config_dir("fer-tui", appauthor=False))

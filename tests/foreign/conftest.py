"""A plugin by somebody else, installed as a distribution of its own in a temporary site folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def foreign(install: Callable[[str, str, dict[str, str]], None]) -> None:
    install("foreignkit", Path(__file__).with_name("foreignkit.py").read_text(), {"tiles": "foreignkit:Tiles"})

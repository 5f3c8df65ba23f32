"""Blocks in an app: what was patched cell by cell looks as if all had been drawn."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from terminal_model import AppRun, recorded

APP = str(Path(__file__).with_name("picture_app.py"))


@pytest.mark.parametrize(("name", "way"), [("xterm", "auto"), ("foot", "octants")])
def test_patched_pictures_are_what_is_drawn_anew(name: str, way: str) -> None:
    with AppRun([sys.executable, APP, way], recorded(name), 60, 30) as run:
        run.settle(0.8)
        for height, keys in enumerate(("nnn", "mnm", "snn", "dn", "tn"), 31):
            sizes = [run.press(key.encode(), quiet=0.06).size for key in keys]
            patched = run.terminal.pixels(0, 1, 40, 20)
            run.resize(60, height)
            whole = len(run.settle(0.3))
            drawn = run.terminal.pixels(0, 1, 40, 20)
            np.testing.assert_allclose(patched.astype(int), drawn, atol=7, err_msg=keys)  # each within the tolerance
            assert keys != "nnn" or sizes[-1] < whole
        run.type(b"q")
        assert run.wait() == 0 and run.terminal.usable

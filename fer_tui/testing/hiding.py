"""One plugin as if no other were installed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from fer_tui import plugins


@contextmanager
def only(*names: str) -> Iterator[None]:
    """Inside, only these explainers are found, by this process and by those that it starts."""
    before = os.environ.pop(plugins.DISABLE, None)
    try:
        os.environ[plugins.DISABLE] = ",".join(name for name in plugins.names() if name not in names)
        yield
    finally:
        os.environ.pop(plugins.DISABLE, None)
        if before is not None:
            os.environ[plugins.DISABLE] = before

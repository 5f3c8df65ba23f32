"""Who makes a batch: the flags that choose a crew, and the crew."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from . import flags
from .settings import BY_NAME

if TYPE_CHECKING:
    from fer_tui.batch import Crew
    from fer_tui.engine import Session, Settings

ENGINES = ("local",)


def add_crew(group: Any) -> None:
    """--engine and --workers."""
    group.add_argument("--engine", choices=ENGINES, default="local", help="local: processes of this machine")
    count = flags.typed(BY_NAME["limit"].read)
    group.add_argument("--workers", metavar="N", type=count, help="how many; else one for each GPU, or for each core")


def hired(
    arguments: argparse.Namespace, settings: Settings, session: Session, stores: Sequence[str]
) -> Callable[[], Crew]:
    """What begins the crew, once there is something to make. stores: folders of those that it may read."""
    from fer_tui.batch import Local
    from fer_tui.batch.posts import posts
    from fer_tui.classifier.threads import is_small

    small = is_small(session.classifier.input_shape)
    return lambda: Local(posts(settings, stores, arguments.workers, small=small))

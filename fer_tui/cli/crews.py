"""Who makes a batch: the flags that choose a crew, and the crew."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fer_tui.contract import InputError

from . import flags, streams
from .layers import anchored
from .settings import BY_NAME

if TYPE_CHECKING:
    from fer_tui.batch import Crew
    from fer_tui.engine import Session, Settings

ENGINES = ("local", "dask")
_TLS = ("tls_ca", "tls_cert", "tls_key")


def add_crew(group: Any) -> None:
    """The flags of the crew: --engine, --workers, --scheduler and what that needs."""
    engines = "local: processes of this machine; dask: the same by dask, or what --scheduler names"
    group.add_argument("--engine", choices=ENGINES, default="local", help=engines)
    count = flags.typed(BY_NAME["limit"].read)
    group.add_argument(
        "--workers",
        metavar="N",
        type=count,
        help="how many (with ssh: on each host); else one for each GPU, or for each core",
    )
    group.add_argument("--scheduler", metavar="S", help="tls://HOST:PORT, ssh:HOST,..., or slurm:memory=8GB,...")
    group.add_argument("--tls-ca", metavar="FILE", help="the certificate authority of the scheduler at tls://")
    group.add_argument("--tls-cert", metavar="FILE", help="your certificate for it")
    group.add_argument("--tls-key", metavar="FILE", help="your key for it, where it is not in the same file")
    group.add_argument("--insecure", action="store_true", help="use a scheduler at tcp:// though it does not encrypt")


def hired(
    arguments: argparse.Namespace, settings: Settings, session: Session, stores: Sequence[str]
) -> Callable[[], Crew]:
    """What begins the crew, once there is something to make. stores: folders of those that it may read."""
    from fer_tui.batch import Local
    from fer_tui.batch.posts import posts
    from fer_tui.classifier.threads import is_small

    small = is_small(session.classifier.input_shape)
    if arguments.engine == "dask":
        return _of_dask(arguments, settings, stores, small=small)
    for name in ("scheduler", *_TLS, "insecure"):
        if getattr(arguments, name):
            raise InputError(f"--{name.replace('_', '-')}", "is for --engine dask")
    return lambda: Local(posts(settings, stores, arguments.workers, small=small))


def _of_dask(
    arguments: argparse.Namespace, settings: Settings, stores: Sequence[str], *, small: bool
) -> Callable[[], Crew]:
    from fer_tui.batch import Spec
    from fer_tui.batch.clusters import need, scheduler
    from fer_tui.batch.posts import posts

    need("distributed", "cryptography")
    ca, cert, key = (getattr(arguments, name) for name in _TLS)
    where = scheduler(arguments.scheduler, (ca, cert, key), insecure=arguments.insecure)
    workers = arguments.workers
    if where.is_here:
        workers = len(posts(settings, stores, workers, small=small))
    # workers may have another working folder
    spec = Spec(anchored(settings, Path.cwd()).to_dict(), 1 if small else 0, tuple(stores))

    def hire() -> Crew:
        from fer_tui.batch.dask import Dask

        return Dask(spec, where, workers, streams.say)

    return hire

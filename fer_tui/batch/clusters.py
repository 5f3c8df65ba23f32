"""Where chunks are made with dask: on this machine, over ssh, as jobs of SLURM, or on a cluster that is there."""

from __future__ import annotations

import contextlib
import importlib.util
import ipaddress
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import fer_tui
from fer_tui.contract import InputError

if TYPE_CHECKING:
    from distributed import Client, Security

_CONNECT = 15.0  # seconds to reach a scheduler
_WORDS = "tls://HOST:PORT, tcp://HOST:PORT, ssh:HOST,... or slurm[:key=value,...]"
_NEEDED = {"distributed": "dask", "cryptography": "TLS", "dask_jobqueue": "slurm"}


@dataclass(frozen=True, slots=True)
class Scheduler:
    """What `--scheduler` names. kind: "local", "ssh", "slurm", or "address".

    hosts: of ssh. options: of ssh (python) and slurm, by name. tls: the files of a cluster that is there: its
    authority, this user's certificate and key. insecure: it may be one that does not encrypt.
    """

    kind: str = "local"
    address: str = ""
    hosts: tuple[str, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)
    tls: tuple[str | None, str | None, str | None] = (None, None, None)
    insecure: bool = False

    @property
    def is_here(self) -> bool:
        """Whether all of it is on this machine."""
        return self.kind == "local"


def scheduler(
    text: str | None, tls: tuple[str | None, str | None, str | None] = (None, None, None), *, insecure: bool = False
) -> Scheduler:
    """`--scheduler` understood; InputError where it cannot be, or where it would be unsafe."""
    kind, _, rest = (text or "").partition(":")
    if "://" in (text or ""):
        return _address(str(text), tls, insecure)
    if any(tls) or insecure:
        raise InputError("--tls-ca, --tls-cert, --tls-key, --insecure", "are for a scheduler that is there", _WORDS)
    if text is None:
        return Scheduler()
    words = [word.strip() for word in rest.split(",") if word.strip()]
    options = dict(word.split("=", 1) for word in words if "=" in word)
    others = tuple(word for word in words if "=" not in word)
    if kind == "ssh" and others:
        for name in options.keys() - {"python"}:
            raise InputError("--scheduler ssh:HOST,...", f"there is no {name}", "python=PATH is all there is")
        return Scheduler("ssh", hosts=others, options=options)
    if kind == "slurm" and not others:
        return Scheduler("slurm", options=options)
    raise InputError("--scheduler", f"{text} is no scheduler", _WORDS)


def _address(address: str, tls: tuple[str | None, str | None, str | None], insecure: bool) -> Scheduler:
    parts = urlsplit(address)
    try:
        complete = bool(parts.hostname and parts.port)
    except ValueError:
        complete = False
    if parts.scheme not in ("tls", "tcp") or not complete:
        raise InputError("--scheduler", f"{address} is no address of a scheduler", _WORDS)
    if parts.scheme == "tcp" and any(tls):
        raise InputError("--tls-ca, --tls-cert, --tls-key", "are for a scheduler at tls://", f"not {address}")
    if parts.scheme == "tcp" and not insecure and not _is_loopback(str(parts.hostname)):
        raise InputError(
            f"--scheduler {address}",
            "does not encrypt: whoever reaches that network can run code on its workers and on this machine",
            "start it with TLS and name tls://..., or say --insecure where the network is yours alone",
        )
    return Scheduler("address", address, tls=tls, insecure=insecure)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@contextlib.contextmanager
def joined(
    where: Scheduler, workers: int | None, tell: Callable[[str], None], *, cpu: bool = False
) -> Iterator[Client]:
    """A client of the cluster. What was started for it ends with it.

    workers: how many (of ssh: for each host), None: one for each GPU, else for each core; of slurm they must be named.
    tell: takes a sentence about what is waited for. cpu: workers leave GPUs alone. InputError tells a fault.
    """
    need("distributed", "cryptography", *(["dask_jobqueue"] if where.kind == "slurm" else []))
    from distributed.utils import silence_logging_cmgr

    with contextlib.ExitStack() as stack:
        stack.enter_context(silence_logging_cmgr(logging.CRITICAL))
        address, security = stack.enter_context(_cluster(where, workers, cpu))
        client = stack.enter_context(_client(address, security))
        if not client.scheduler_info()["workers"]:
            tell("no worker is there yet: it goes on once one is")
        _check(client)
        yield client


@contextlib.contextmanager
def _cluster(where: Scheduler, workers: int | None, cpu: bool) -> Iterator[tuple[str, Security | None]]:
    from distributed import Security

    from . import nodes
    from .credentials import of_files
    from .slurm import jobs

    if where.kind == "address":
        if workers is not None:
            raise InputError("--workers", "a cluster that is there has the workers that it has")
        yield where.address, of_files(*where.tls) if where.address.startswith("tls://") else None
        return
    if where.kind == "slurm":
        if workers is None:
            raise InputError("--scheduler slurm", "how many jobs are to run is not said", "--workers N")
        with jobs(where.options, workers) as (address, security):
            yield address, security
        return
    commands = nodes.over_ssh(where.hosts, where.options.get("python")) if where.kind == "ssh" else nodes.here()
    environ = {"CUDA_VISIBLE_DEVICES": ""} if cpu else {}
    with nodes.cluster(commands, workers, local=where.is_here, environ=environ) as (address, credentials):
        yield address, Security(**credentials)


@contextlib.contextmanager
def _client(address: str, security: Security | None) -> Iterator[Client]:
    from distributed import Client

    try:
        client = Client(address, security=security, timeout=_CONNECT, set_as_default=False)
    except (OSError, TypeError, ValueError) as error:
        raise InputError(f"scheduler {address}", f"cannot be reached: {error}") from error
    try:
        yield client
    finally:
        client.close(timeout=_CONNECT)


def _check(client: Client) -> None:
    """InputError where the scheduler or a worker has no fer-tui, or another one: both read what travels."""
    try:
        found = {"scheduler": client.run_on_scheduler(_version)}
    except Exception as error:
        found = {"scheduler": error}
    found |= client.run(_version, on_error="return")
    for name, version in found.items():
        if isinstance(version, BaseException):
            raise InputError(f"dask at {name}", f"there is no fer-tui: {version}", 'pip install "fer-tui[dask]" there')
        if version != fer_tui.__version__:
            raise InputError(f"dask at {name}", f"fer-tui {version} is there, here is {fer_tui.__version__}")


def _version() -> str:
    return fer_tui.__version__


def need(*modules: str) -> None:
    for module in modules:
        if importlib.util.find_spec(module) is None:
            raise InputError("--engine dask", f"{_NEEDED[module]} is not installed", 'pip install "fer-tui[dask]"')

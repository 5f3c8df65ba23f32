"""Where the workers of this machine are: one for each GPU, or for each core."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .local import Post
from .work import Spec

if TYPE_CHECKING:
    from fer_tui.engine import Settings

_MEMORY = 1 << 30  # bytes that a worker without a GPU takes, about


def posts(settings: Settings, stores: Sequence[str], workers: int | None = None, *, small: bool) -> list[Post]:
    """So many, or as many as there are GPUs, else cores: a worker on one thread each, for in the passes of a network
    threads lose more by waiting for one another than they gain.

    stores: folders of those that they can read. small: the network's inputs are, so that a second thread never helps.
    """
    gpus = _gpus(settings.device)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    is_cpu = not gpus and settings.device in ("auto", "cpu")
    count = workers or len(gpus) or (min(cores, _room()) if is_cpu else 1)
    threads = 1 if small else max(1, cores // count)
    spec = Spec(settings.to_dict(), threads, tuple(stores))
    calm = {"OMP_NUM_THREADS": str(threads), "OMP_WAIT_POLICY": "passive"}
    return [Post(spec, calm | ({"CUDA_VISIBLE_DEVICES": gpus[n % len(gpus)]} if gpus else {})) for n in range(count)]


def _gpus(device: str) -> list[str]:
    """The GPUs that workers are spread over, as CUDA_VISIBLE_DEVICES names them; none where one device is named."""
    if device != "auto":
        return []
    import torch

    count = torch.cuda.device_count()
    named = [each for each in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if each.strip()]
    return named[:count] if named else [str(number) for number in range(count)]


def _room() -> int:
    """Workers for which there is memory, where the system tells."""
    with contextlib.suppress(OSError, ValueError, StopIteration):
        lines = Path("/proc/meminfo").read_text().splitlines()
        available = next(line for line in lines if line.startswith("MemAvailable:"))
        return max(1, int(available.split()[1]) * 1024 // _MEMORY)
    return 1 << 16

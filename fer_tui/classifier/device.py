"""The device to compute on, chosen so that neighbours on a shared machine live."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from fer_tui.contract import InputError, nearest

_SHORT = 0.1  # of a device's memory: where less is free nothing is made ahead of time
SHARE = 0.8  # of the memory that is free when a device is chosen


@dataclass(frozen=True, slots=True)
class Memory:
    """Free and total bytes of one device."""

    free: int
    total: int


def choose_device(name: str = "auto") -> torch.device:
    """The device that `name` (auto, cpu, cuda, cuda:N, mps) means; InputError where this machine has none such.

    auto: the CUDA device with the most free memory, else the CPU. N counts as nvidia-smi does. A CUDA device's memory
    is capped for this process at a share of what is free.
    """
    if name == "cpu":
        return torch.device("cpu")
    if name == "mps":
        if not torch.backends.mps.is_available():
            raise InputError("device mps", "this machine or this torch has no Metal device", "use auto or cpu")
        return torch.device("mps")
    kind, colon, number = name.partition(":")
    if kind not in ("auto", "cuda") or (colon and (kind == "auto" or not number.isdecimal())):
        known = nearest(name, ("auto", "cpu", "cuda", "cuda:0", "mps"))
        raise InputError(f"device {name}", f"there is no such device{known}", "auto, cpu, cuda:N or mps")
    if not torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        os.environ.setdefault("CUDA_DEVICE_ORDER", "PCI_BUS_ID")  # the numbers of nvidia-smi
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if not count and kind == "auto":
        return torch.device("cpu")
    if not count:
        why = "no CUDA device is visible" if torch.version.cuda else "this torch was built without CUDA"
        raise InputError(f"device {name}", why, "use auto or cpu")
    if colon and int(number) >= count:
        there = "only cuda:0 is" if count == 1 else f"cuda:0 to cuda:{count - 1} are"
        raise InputError(f"device {name}", f"there is no such device; {there} visible")
    index = int(number) if colon else freest(_memories(count))
    memory = Memory(*torch.cuda.mem_get_info(index))
    torch.cuda.set_per_process_memory_fraction(cap(memory), index)
    return torch.device("cuda", index)


def is_short(device: torch.device) -> bool:
    """Whether so little memory is free on a CUDA device that only what must be is to be made there."""
    if device.type != "cuda":
        return False
    free, total = torch.cuda.mem_get_info(device)
    return free < _SHORT * total


def freest(memories: Sequence[Memory]) -> int:
    """The index of the device with the most free memory, the first of equals."""
    return max(range(len(memories)), key=lambda index: memories[index].free)


def cap(memory: Memory, share: float = SHARE) -> float:
    """The fraction of a device's whole memory that is `share` of what is free on it."""
    return max(0.0, min(1.0, share * memory.free / memory.total)) if memory.total else 1.0


def parse_smi(text: str, visible: str | None) -> list[Memory] | None:
    """nvidia-smi's `uuid, free MiB, total MiB` lines as CUDA numbers the devices under CUDA_VISIBLE_DEVICES.

    None where they cannot be matched (MIG slices, a table that is not understood).
    """
    rows = [[cell.strip() for cell in line.split(",")] for line in text.splitlines() if line.strip()]
    try:
        cards = {uuid: Memory(int(free) << 20, int(total) << 20) for uuid, free, total in rows}
    except ValueError:
        return None
    names = list(cards)
    if visible is None:
        return list(cards.values())
    chosen = []
    for part in (part.strip() for part in visible.split(",")):
        matches = [name for name in names if part and name.startswith(part)]
        if part.isdecimal() and int(part) < len(names):
            matches = [names[int(part)]]
        if len(matches) != 1:
            return None
        chosen.append(cards[matches[0]])
    return chosen


def _memories(count: int) -> list[Memory]:
    """Memory of every visible device; from nvidia-smi, for asking CUDA takes hundreds of MB on each of them."""
    command = ["nvidia-smi", "--query-gpu=uuid,memory.free,memory.total", "--format=csv,noheader,nounits"]
    if count > 1 and os.environ.get("CUDA_DEVICE_ORDER") == "PCI_BUS_ID":
        try:
            text = subprocess.run(command, capture_output=True, text=True, timeout=5, check=True).stdout
        except (OSError, subprocess.SubprocessError):
            text = ""
        found = parse_smi(text, os.environ.get("CUDA_VISIBLE_DEVICES"))
        if found is not None and len(found) == count:
            return found
    return [Memory(*torch.cuda.mem_get_info(index)) for index in range(count)]

"""The machine: Python, torch, device, plugins, cache, settings."""

from __future__ import annotations

import argparse
import os
import platform
import stat
import sys
import tempfile
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path

from fer_tui.contract import FerTuiError, InputError
from fer_tui.engine.settings import Settings

from . import flags, layers
from .findings import Finding


def findings(arguments: argparse.Namespace) -> Iterator[Finding]:
    """Everything about the machine; a part that fails is a finding, and the others are still told."""
    import fer_tui

    yield Finding("fer-tui", fer_tui.__version__)
    yield Finding("python", f"{platform.python_version()}, {sys.executable}")
    settings = Settings()
    try:
        found = flags.settings_of(arguments)
        settings = found.settings
        files = sorted({origin for origin in found.origins.values() if origin != "flags"})
        yield Finding("settings", ", ".join(files) or f"no {layers.FILE_NAME} here: the bundled samples")
    except InputError as error:
        yield Finding("settings", error.where, error.fault, error.mend or "fer-tui config check tells more")
    yield from _torch(settings.device)
    yield from _plugins()
    yield _cache(settings.cache)
    yield from _further(settings.stores)


def _torch(device: str) -> Iterator[Finding]:
    try:
        import torch
    except Exception as error:
        mend = "install it again: pip install --force-reinstall torch"
        yield Finding("torch", "cannot be imported", str(error), mend, traceback.format_exc())
        return
    built = f"CUDA {torch.version.cuda}" if torch.version.cuda else "without CUDA"
    yield Finding("torch", f"{torch.__version__} ({built})")
    for number in range(torch.cuda.device_count()):
        free, total = torch.cuda.mem_get_info(number)
        name = torch.cuda.get_device_name(number)
        yield Finding(f"cuda:{number}", f"{name}, {free / 2**30:.1f} of {total / 2**30:.1f} GiB free")
    from fer_tui.classifier import choose_device

    try:
        yield Finding("device", f"{device}: {choose_device(device)}, {torch.get_num_threads()} threads of the CPU")
    except FerTuiError as error:
        yield Finding("device", device, str(error), "--device auto takes what there is")


def _plugins() -> Iterator[Finding]:
    from fer_tui import plugins
    from fer_tui.oversight import Faults

    from . import loading
    from .plugins import AUTHORS_CODE

    loaded = loading.describe_all()
    yield Finding(
        "plugins", ", ".join(loaded.descriptions) or "none", "" if loaded.descriptions else "no explainer works"
    )
    for source, found in plugins.others().items():
        yield Finding("plugins of others", f"{source}: {', '.join(found)}; {AUTHORS_CODE}")
    if aside := plugins.set_aside():
        yield Finding("plugins unused", "; ".join(f"{whose}: {why}" for whose, why in aside.items()))
    faults = Faults.open()
    for each in plugins.origins():
        for fault in faults.of(each)[-1:]:
            yield Finding(f"plugin {each.name}", f"faulty: {fault}", mend=f"fer-tui plugins --forget {each.name}")
    for name, error in loaded.failed.items():
        mend = f"mend or uninstall it, or leave it out: export FER_TUI_DISABLE_PLUGINS={name}"
        yield Finding(f"plugin {name}", "failed", error.fault, mend, error.details)


def _cache(folder: str | None) -> Finding:
    """The store: where, how large, whether it can be written to and by whom it can be read."""
    if folder == "none":
        return Finding("cache", "none: nothing is stored")
    from fer_tui.engine.storefile import FILE_NAME
    from fer_tui.folders import cache_folder

    path = (Path(folder) if folder is not None else cache_folder()) / FILE_NAME
    there = next(place for place in (path.parent, *path.parent.absolute().parents) if place.exists())
    try:
        with tempfile.TemporaryFile(dir=there):  # asking for permission is not enough: the disk may be full
            pass
    except OSError as error:
        mend = f"make {there} writable, or name another folder: --cache DIR"
        return Finding("cache", str(path), f"{there} cannot be written to: {error.strerror}", mend)
    if not path.is_file():
        return Finding("cache", f"{path}: nothing is stored yet")
    if not os.access(path, os.W_OK):
        return Finding("cache", str(path), "cannot be written to", f"chmod u+w {path}, or --cache DIR")
    from fer_tui.engine import Store

    from .sizes import room

    store = Store.open(path.parent, read_only=True)
    try:
        if not store.is_on:
            return Finding("cache", str(path), store.note, f"delete {path}, or --cache DIR")
        usage = store.usage()
    finally:
        store.close()
    mode = stat.filemode(path.stat().st_mode)
    return Finding("cache", f"{path}: {usage.entries} entries, {room(usage)}, {mode}")


def _further(stores: Sequence[str]) -> Iterator[Finding]:
    """The further stores: whether each can be read, and how large it is."""
    from fer_tui.engine import Store
    from fer_tui.engine.stores import folder_of

    from .cached import fault_of
    from .sizes import room

    for named in stores:
        store = Store.open(folder_of(named), read_only=True)
        if store.is_on:
            usage = store.usage()
            yield Finding("store", f"{store.path}: {usage.entries} entries, {room(usage)}, only read")
        else:
            yield Finding("store", named, fault_of(store), "name another: --store DIR, or leave it out")
        store.close()

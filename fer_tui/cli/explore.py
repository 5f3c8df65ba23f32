"""fer-tui open: the explorer."""

from __future__ import annotations

import argparse
import os
import sys

from fer_tui.contract import InputError

from . import config, flags

EXAMPLES = (
    "fer-tui open                                  the bundled samples and network",
    "fer-tui open fer2013.csv --split PublicTest --model nets.py:MobileGap3 --weights net.pt",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    flags.add_data(parser)
    flags.add_settings(parser, json=False, screen=True)
    parser.add_argument("--fresh", action="store_true", help="start anew, not where the last time ended")


def run(arguments: argparse.Namespace) -> int:
    settings = flags.settings_of(arguments).settings
    served = bool(os.environ.get("TEXTUAL_DRIVER"))  # `textual serve` speaks another protocol than a terminal's
    for name, stream in (("stdin", sys.stdin), ("stdout", sys.stdout)):
        if not served and (stream is None or not stream.isatty()):
            raise InputError(name, "is no terminal", "the explorer needs one; fer-tui explain works without")
    for setting, file in config.absent(settings.to_dict()):  # told before there is a screen, let alone torch
        raise InputError(file, "there is no such file", f"named by {setting.flag} or {setting.key}")
    from fer_tui import tui

    return tui.run(settings, fresh=arguments.fresh, debug=arguments.debug)

"""From words to a command, and from whatever goes wrong to one line and an exit code.

Nothing is imported before it is needed: neither torch nor NumPy, Rich or Textual for `--help`.
"""

from __future__ import annotations

import gc
import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from fer_tui.contract import FerTuiError, PluginError, nearest

from . import streams
from .flags import Parser, UsageError

COMMANDS = {  # name: (module, what it does)
    "open": ("explore", "explore explanations in the terminal (also: explore; a bare fer-tui does the same)"),
    "init": ("init", "look at a checkpoint and data, and write fer-tui.toml"),
    "explain": ("explain", "make one explanation: shown in the terminal, or written to a file"),
    "train": ("train", "train a network: snapshots and curves in a folder; goes on where it was interrupted"),
    "evaluate": ("evaluate", "accuracy, recall by class and confusion"),
    "batch": ("batch", "make many explanations ahead of time, on every core or GPU; goes on where it was interrupted"),
    "focus": ("focus", "where a network looks: attribution by region and class, beside recall, with intervals"),
    "report": ("report", "figures, findings and a page in one folder: where the network looks, and why it errs"),
    "timeline": ("timeline", "a training run: curves, what was learned when and forgotten, one image through time"),
    "similar": ("similar", "the most similar training images to one, by the network's own features"),
    "check": ("check", "try every explainer on a few samples: finite, repeatable, nothing left behind"),
    "layers": ("structure", "the network's modules: class, output, parameters, and which have filters"),
    "plugins": ("plugins", "list the explainers that are installed"),
    "doctor": ("doctor", "terminal, colours, tmux, device, plugins, cache: what is there, and how to mend it"),
    "cache": ("cache", "what was stored: show, clear, verify, export, merge"),
    "config": ("config", "show the settings, where they come from, and whether they are right"),
    "completion": (
        "completion",
        "a script that lets bash, zsh or fish complete commands, flags, methods and parameters",
    ),
}
ALIASES = {"explore": "open"}
GUARDED = {"explain", "check", "focus", "report", "plugins", "doctor", "timeline", "evaluate", "similar", "batch"}
RETRIED = {"check", "report"}  # goes on without an explainer that ended the process at its work
DONE, FAILED, WRONG, BROKEN_PIPE, INTERRUPTED = 0, 1, 2, 141, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit code: 0 done, 1 a check or an explainer failed, 2 bad input, 130 interrupted.

    argv: the words behind `fer-tui`; where None those of the process, whose explainers are then guarded.
    """
    streams.prepare()
    words = list(sys.argv[1:] if argv is None else argv)
    if argv is not None:
        return _main(words)
    code = _guarded(words) if words[:1] and words[0] in GUARDED and hasattr(os, "fork") else _main(words)
    gc.freeze()  # what torch has made is not looked through for garbage on the way out, which takes .4 s
    return code


def _guarded(words: list[str]) -> int:
    """The same in a child, for explainers run in it, and one that breaks it must not go untold."""
    from . import guard

    try:
        return guard.run(lambda: _main(words), retried=words[0] in RETRIED, debug="--debug" in words)
    except FerTuiError as error:
        _complain(error, False)
        return WRONG


def _main(words: list[str]) -> int:
    debug = "--debug" in words
    try:
        code = _run(words)
        sys.stdout.flush()
        return code
    except SystemExit as end:  # argparse's own --help
        return end.code if isinstance(end.code, int) else DONE
    except KeyboardInterrupt:
        streams.say("fer-tui: interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        streams.forsake_stdout()
        return BROKEN_PIPE
    except Exception as error:
        if debug:
            import traceback

            streams.say_lines("".join(traceback.format_exception(error)))
        _complain(error, debug)
        return FAILED if isinstance(error, PluginError) else WRONG


def _run(words: list[str]) -> int:
    if words[:1] in (["-h"], ["--help"], ["help"]):
        streams.put(_help())
        return DONE
    if words[:1] == ["--version"]:
        from importlib.metadata import version

        streams.put(f"fer-tui {version('fer-tui')}")
        return DONE
    name = words.pop(0) if words and not words[0].startswith("-") else "open"
    name = ALIASES.get(name, name)
    if name not in COMMANDS:
        mend = f" (to open it: fer-tui open {name})" if Path(name).exists() else " (fer-tui --help lists them)"
        raise UsageError(f"error: there is no command {name}{nearest(name, [*COMMANDS, *ALIASES])}{mend}")
    module, summary = COMMANDS[name]
    command = importlib.import_module(f"fer_tui.cli.{module}")
    parser = Parser(f"fer-tui {name}", summary, command.EXAMPLES)
    command.add_arguments(parser)
    arguments = parser.parse(words)
    code: int = command.run(arguments)
    return code


def _help() -> str:
    width = max(map(len, COMMANDS))
    commands = "\n".join(f"  {name:{width}}  {summary}" for name, (_, summary) in COMMANDS.items())
    return (
        "usage: fer-tui [COMMAND] [flags]\n\n"
        "A terminal explorer of explanations for image-classifying CNNs.\n\n"
        f"commands:\n{commands}\n\n"
        "  fer-tui COMMAND --help shows a command's flags, with examples; fer-tui --version the version\n\n"
        "examples:\n"
        "  fer-tui                                            the bundled samples, or fer-tui.toml of this folder\n"
        "  fer-tui open fer2013.csv --split PublicTest --model nets.py:Net --weights net.pt"
    )


def _complain(error: Exception, debug: bool) -> None:
    """One line that says what is wrong; an error that nobody foresaw is named by its type."""
    if isinstance(error, FerTuiError):
        streams.say(f"fer-tui: {error}")
        return
    fault = (str(error).strip().splitlines() or [""])[0]
    if isinstance(error, OSError) and error.strerror:
        name = f"{error.filename}: " if error.filename else ""
        streams.say(f"fer-tui: {name}{error.strerror}")
    else:
        mend = "" if debug else " (unforeseen: --debug shows where)"
        streams.say(f"fer-tui: {type(error).__name__}{': ' if fault else ''}{fault}{mend}")

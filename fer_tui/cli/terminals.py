"""The terminal as it and the environment tell of it: size, colours, pictures, tmux, ssh, characters."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping

from fer_tui.terminal import VARIABLE, WAYS, Probe, Terminal
from fer_tui.terminal.facts import true_colour_by_name

from .findings import Finding

_SMALLEST = (40, 12)  # columns, lines: below it the explorer has no room for a picture and a list
_WANTED = (80, 24)
_WAYS = {"kitty": "kitty's protocol", "sixel": "sixel", "blocks": "blocks", "none": "none, as FER_TUI_GRAPHICS asks"}
_ESCAPE_TIME = 50  # ms that tmux may hold an Esc back before it feels stuck


def findings() -> Iterator[Finding]:
    """Everything about the terminal, in the order in which it is read."""
    env, terminal = os.environ, _asked(os.environ)
    yield _terminal(env)
    yield _size()
    yield _link(env)
    yield from _tmux(env)
    yield _colours(env, terminal)
    yield _graphics(terminal)
    yield _characters()


def _asked(env: Mapping[str, str]) -> Terminal:
    """What the terminal answers, which takes a little more than a second where it answers nothing."""
    wanted = env.get(VARIABLE, "auto")
    with Probe(wanted if wanted in WAYS else "auto") as probe:
        probe.gather()
    return probe.terminal


def _terminal(env: Mapping[str, str]) -> Finding:
    term = env.get("TERM", "")
    program = " ".join(filter(None, (env.get("TERM_PROGRAM"), env.get("TERM_PROGRAM_VERSION"))))
    value = f"TERM={term or '(unset)'}" + (f", {program}" if program else "")
    if not sys.stdout.isatty():
        return Finding("terminal", f"{value}; stdout is no terminal", mend="run doctor in the terminal you mean to use")
    if term in ("", "dumb", "unknown"):
        return Finding("terminal", value, "it cannot place text", "set TERM, such as TERM=xterm-256color")
    return Finding("terminal", value)


def _size() -> Finding:
    columns, lines = shutil.get_terminal_size((0, 0))
    value = f"{columns} x {lines}" if columns else "not known"
    if not sys.stdout.isatty() or not columns:
        return Finding("size", value)
    small = [n for n, least in zip((columns, lines), _SMALLEST, strict=True) if n < least]
    if small:
        return Finding("size", value, "too small for the explorer", f"at least {_WANTED[0]} x {_WANTED[1]} is wanted")
    hint = columns < _WANTED[0] or lines < _WANTED[1]
    return Finding("size", value, mend=f"{_WANTED[0]} x {_WANTED[1]} shows more" if hint else "")


def _link(env: Mapping[str, str]) -> Finding:
    over_ssh = any(env.get(name) for name in ("SSH_CONNECTION", "SSH_TTY", "SSH_CLIENT"))
    return Finding("link", "ssh" if over_ssh else "local")


def _tmux(env: Mapping[str, str]) -> Iterator[Finding]:
    if env.get("STY"):
        yield Finding("multiplexer", "screen", mend="tmux passes more colours on than screen does")
    if not env.get("TMUX"):
        if not env.get("STY"):
            yield Finding("multiplexer", "none")
        return
    if shutil.which("tmux") is None:
        yield Finding("multiplexer", "tmux", mend="tmux itself is not found here, so it cannot be asked")
        return
    outer = _ask_tmux("display", "-p", "#{client_termname} #{client_termfeatures}")
    yield Finding("multiplexer", ", ".join(filter(None, (_ask_tmux("-V"), f"inside {outer}" if outer else ""))))
    wait = _ask_tmux("show", "-gv", "escape-time")
    if wait.isdigit():
        slow = int(wait) > _ESCAPE_TIME
        fault, mend = ("Esc is held back", "tmux set -sg escape-time 10, also in ~/.tmux.conf") if slow else ("", "")
        yield Finding("tmux escape-time", f"{wait} ms", fault, mend)
    through = _ask_tmux("show", "-gv", "allow-passthrough")
    yield Finding("tmux passthrough", through or "not known to this tmux")


def _ask_tmux(*words: str) -> str:
    """What tmux answers; '' where it answers nothing within two seconds."""
    try:
        asked = subprocess.run(("tmux", *words), capture_output=True, timeout=2, check=False, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return asked.stdout.decode(errors="replace").strip() if asked.returncode == 0 else ""


def _colours(env: Mapping[str, str], terminal: Terminal) -> Finding:
    from rich.console import Console

    if env.get("NO_COLOR"):
        return Finding("colours", "none, as NO_COLOR asks", mend="unset NO_COLOR to have them")
    names = {"truecolor": "true colour", "256": "256", "standard": "16", "windows": "16", None: "none"}
    system = Console(force_terminal=True).color_system
    value = f"{names[system]} (COLORTERM={env.get('COLORTERM', '(unset)')})"
    if system == "256" and (terminal.true_colour or true_colour_by_name(env.get("TERM", ""))):
        return Finding("colours", f"{value}; the terminal has true colour, which the explorer uses")
    if system == "256":
        return Finding("colours", value, mend="where the terminal has true colour: export COLORTERM=truecolor")
    if system != "truecolor":
        mend = "set TERM, such as TERM=xterm-256color"
        return Finding("colours", value, mend=f"pictures are drawn in shades; {mend}")
    return Finding("colours", value)


def _graphics(terminal: Terminal) -> Finding:
    answers, outer = terminal.answers, terminal.outer
    told = [_WAYS.get(terminal.way, terminal.way)]
    if not sys.stdin.isatty() or not sys.stderr.isatty():
        told.append("the terminal was not asked: stdin or stderr is none")
    elif not answers.complete:
        told.append("the terminal answers nothing")
    else:
        told += [name for name in (outer.termtype if outer is not None else "", answers.name) if name]
        told.append("cell {} x {} px".format(*terminal.cell))
        if terminal.way == "sixel" and answers.registers:
            told.append(f"{answers.registers} colours")
    mend = f"for pictures in pixels: {terminal.hint}, also in ~/.tmux.conf" if terminal.hint else ""
    return Finding("graphics", ", ".join(told), mend=mend)


def _characters() -> Finding:
    import locale

    encoding = (getattr(sys.stdout, "encoding", None) or "").lower().replace("-", "")
    value = f"stdout {encoding or 'not known'}, locale {locale.getpreferredencoding(False)}"
    if encoding not in ("utf8", ""):
        return Finding("characters", value, "not UTF-8: pictures are drawn in ASCII", "export LANG=C.UTF-8")
    return Finding("characters", value)

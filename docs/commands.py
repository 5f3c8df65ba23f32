"""Writes what the commands take into docs/commands.md, from their parsers: python docs/commands.py

Each command's section begins with a marked part: its examples and flags. What stands below it is written by hand.
"""

from __future__ import annotations

import argparse
import importlib
import re

from marked import DOCS, END, begin, cell, code, replaced, table

from fer_tui.cli.flags import Parser
from fer_tui.cli.main import ALIASES, COMMANDS
from fer_tui.cli.settings import BY_NAME

PAGE, SCRIPT = DOCS / "commands.md", "commands.py"
SHARED = {*BY_NAME, "config", "positional_data"}
EVERYWHERE = {"help", "debug"}
GROUPS = {
    "look": ("open", "explain", "similar", "timeline"),
    "measure and report": ("evaluate", "focus", "report", "check"),
    "make": ("train", "batch"),
    "set up": ("init", "config", "layers", "plugins", "completion"),
    "look after it": ("doctor", "cache"),
}
_COMMENT = re.compile(r"( {3,})(?=\S)")  # what an example is for stands behind it


def parser_of(name: str) -> argparse.ArgumentParser:
    module, summary = COMMANDS[name]
    command = importlib.import_module(f"fer_tui.cli.{module}")
    parser = Parser(f"fer-tui {name}", summary, command.EXAMPLES)
    command.add_arguments(parser)
    return parser


def overview() -> str:
    """All commands by what they are for, each with what it does; KeyError where one is in no group."""
    groups = {name: group for group, names in GROUPS.items() for name in names}
    if others := COMMANDS.keys() ^ groups.keys():
        raise KeyError(f"GROUPS: {sorted(others)}")
    rows = [
        (group if name == names[0] else "", f"[{code(f'fer-tui {name}')}](#{_anchor(name)})", cell(COMMANDS[name][1]))
        for group, names in GROUPS.items()
        for name in names
    ]
    return table(("to", "command", "what it does"), rows)


def section(name: str) -> str:
    """Examples, flags of its own, and which of the shared ones it takes."""
    parser = parser_of(name)
    examples = (parser.epilog or "").removeprefix("examples:\n").splitlines()
    parts = ["```sh\n" + "\n".join(_COMMENT.sub(r"\1# ", line.strip()) for line in examples) + "\n```"]
    own = [each for each in parser._actions if each.dest not in SHARED | EVERYWHERE | {"json"}]
    if own:
        parts.append(table(("argument", "what it is"), [(_names(each), cell(each.help or "")) for each in own]))
    given = {each.dest for each in parser._actions}
    shared = [BY_NAME[each].flag for each in BY_NAME if each in given]
    if len(shared) > 8:
        missing = [code(each.flag) for each in BY_NAME.values() if _misses(each.name, given)]
        but = f" but {', '.join(missing)}" if missing else ""
        takes = [f"[the flags of data, network and run](#what-to-open-flags-and-fer-tuitoml){but}"]
        takes += ["DATA, which says the same as `--data`"] if "positional_data" in given else []
    else:
        takes = [code(flag) for flag in [*shared, *(["--config"] if "config" in given else [])]]
    takes += ["`--json`"] if "json" in given else []
    if takes:
        parts.append(f"Also: {', '.join(takes)}.")
    return "\n\n".join(parts)


def _misses(name: str, given: set[str]) -> bool:
    setting = BY_NAME[name]
    return setting.has_flag and not setting.screen and name not in given


def _names(action: argparse.Action) -> str:
    """A flag with what follows it, or the word in its place."""
    value = action.metavar or ("|".join(map(str, action.choices)) if action.choices else action.dest.upper())
    if not action.option_strings:
        return code(f"[{value}]" if action.nargs in ("?", "*") else str(value))
    if action.nargs == 0:
        follows = ""
    elif isinstance(value, tuple):
        follows = " " + " ".join(value)
    else:
        follows = {"?": f" [{value}]", "+": f" {value} [{value} ...]"}.get(str(action.nargs), f" {value}")
    return ", ".join(code(f"{option}{follows}") for option in action.option_strings)


def _anchor(name: str) -> str:
    return "open-explore" if name in ALIASES.values() else name


def written(page: str) -> str:
    """The page as the code has it; a command without a section gets one at the end."""
    page = replaced(page, "commands", SCRIPT, overview())
    for name in COMMANDS:
        if not re.search(rf"^## {name}\b", page, re.MULTILINE):
            page += f"\n## {name}\n"
        if begin(name, SCRIPT) not in page:
            page = re.sub(rf"^(## {name}\b.*\n)", rf"\1\n{begin(name, SCRIPT)}\n{END}\n", page, flags=re.MULTILINE)
        page = replaced(page, name, SCRIPT, section(name))
    return page


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text("utf-8")), "utf-8")

"""fer-tui doctor: what this terminal and this machine have, and a mend for each fault."""

from __future__ import annotations

import argparse
import itertools

from fer_tui.contract import plain

from . import flags, streams
from .findings import Finding

EXAMPLES = (
    "fer-tui doctor                                exit code 1 where something needs mending",
    "fer-tui doctor --device cuda:1 --json",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    flags.add_settings(parser, "device", "cache")


def run(arguments: argparse.Namespace) -> int:
    from . import machine, terminals

    findings = list(itertools.chain(terminals.findings(), machine.findings(arguments)))
    if arguments.json:
        streams.put_json({"ok": not any(f.fault for f in findings), "findings": [f.to_dict() for f in findings]})
    else:
        _show(findings)
    if arguments.debug:
        for finding in findings:
            streams.say_lines(finding.details)
    return 1 if any(finding.fault for finding in findings) else 0


def _show(findings: list[Finding]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, style="bold")
    table.add_column(overflow="fold")
    for finding in findings:
        mark = Text("FAULT", "bold red") if finding.fault else Text("ok", "green")
        words = Text(plain(finding.value))
        if finding.fault:
            words.append(f": {plain(finding.fault)}", "red")
        if finding.mend:
            words.append(f"\n{'mend' if finding.fault else 'hint'}: {plain(finding.mend)}", "dim")
        table.add_row(mark, Text(finding.name), words)
    streams.console().print(table)

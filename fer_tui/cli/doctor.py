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
    flags.add_settings(parser, "device", "cache", "stores")


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
    from rich.text import Text

    console = streams.console()
    width = max(len(finding.name) for finding in findings)
    for finding in findings:
        line = Text("FAULT " if finding.fault else "ok    ", "bold red" if finding.fault else "green")
        line.append(f"{plain(finding.name):{width}}  ", "bold").append(plain(finding.value), "default")
        if finding.fault:
            line.append(f": {plain(finding.fault)}", "red")
        console.print(line, soft_wrap=True)
        if finding.mend:
            kind = "mend" if finding.fault else "hint"
            console.print(Text(f"{'':{width + 8}}{kind}: {plain(finding.mend)}", "default"), soft_wrap=True)

"""fer-tui check: every installed explainer on a few samples of the user's own data and network."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from fer_tui.contract import plain

from . import flags, streams, which
from .progress import Narrator

if TYPE_CHECKING:
    from fer_tui.engine.check import Finding

EXAMPLES = (
    "fer-tui check                                 every explainer on the bundled samples",
    "fer-tui check fer2013.csv --split PublicTest --model nets.py:Net --weights net.pt --methods saliency",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    flags.add_data(parser)
    group = parser.add_argument_group("what to check")
    group.add_argument("--methods", metavar="A,B,...", help="only these explainers, by name or alias")
    group.add_argument(
        "--samples", metavar="N", type=flags.typed(flags.whole), default=2, help="samples of each class (2)"
    )
    group.add_argument("--deep", action="store_true", help="also whether maps hang on pixels, weights and seed")
    group.add_argument("--against", metavar="P,P", help="also the same maps by captum, torchcam, lime")
    flags.add_settings(parser)


def run(arguments: argparse.Namespace) -> int:
    from fer_tui import plugins

    from . import loading

    if arguments.samples < 1:
        raise flags.UsageError("error: argument --samples: at least 1 is needed")
    settings = which.the_first(flags.settings_of(arguments).settings, "check")
    methods = _methods(arguments.methods) or plugins.names()
    meant = {method: plugins.resolve(method, loading.describe)[0] for method in methods}  # tells the nearest right name
    findings: list[Finding] = []
    with Narrator() as tell:
        from fer_tui.classifier.threads import few_threads
        from fer_tui.engine import open_session
        from fer_tui.engine.check import Finding, run_checks
        from fer_tui.engine.peers import check_peers, compare

        peers = [name.strip() for name in arguments.against.split(",")] if arguments.against is not None else []
        check_peers(peers)  # before the checks, which take their time

        failed = loading.describe_all(dict.fromkeys(meant.values())).failed  # one that hangs is found out here
        findings += [Finding(name, "loads", False, error.fault) for name, error in failed.items()]
        sound = [name for name in methods if meant[name] not in failed]
        session = open_session(settings, tell)
        few_threads(session.classifier.input_shape)
        for finding in run_checks(session.engine(), sound, arguments.samples, deep=arguments.deep):
            findings.append(finding)
            tell(f"{finding.method}: {finding.check}")
        if peers:
            findings += compare(session.engine(), peers, arguments.samples)
    for note in session.notes:
        streams.say(note)
    bad = [finding for finding in findings if not finding.ok]
    if arguments.json:
        streams.put_json({"ok": not bad, "findings": [finding.to_dict() for finding in findings]})
    else:
        _show(findings)
    if arguments.debug:
        for error in failed.values():
            streams.say_lines(error.details)
    return 1 if bad else 0


def _methods(given: str | None) -> list[str]:
    return list(dict.fromkeys(name.strip() for name in given.split(","))) if given is not None else []


def _show(findings: Sequence[Finding]) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from fer_tui.engine.check import APPLIES

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for heading in ("method", "check", "", "what was seen"):
        table.add_column(heading, overflow="fold")
    for finding in findings:
        mark = Text("ok", "green") if finding.ok else Text("FAILED", "bold red")
        if finding.check == APPLIES:
            mark = Text("–")
        table.add_row(Text(plain(finding.method)), finding.check, mark, Text(plain(finding.detail)))
    console = streams.console()
    console.print(table)
    bad = sum(not finding.ok for finding in findings)
    console.print(Text(f"{len(findings)} checks, {bad} failed"))

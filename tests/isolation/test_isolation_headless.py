"""Commands with explainers that end their process, hang or print: one line, a code, and nothing else is touched."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

Made = Callable[[str], Any]


def test_what_ends_the_process_is_told_in_one_line_and_marked(site: Made) -> None:
    here = site("badimports")
    for name, said in (
        ("crashes", "the process was ended by SIGSEGV"),
        ("ends", "the process was ended with code 0"),
        ("sleeps", "it gave nothing for 1.5 s"),
    ):
        done = here.run("explain", name, "--image", "2", "--device", "cpu", "--json", FER_TUI_PLUGIN_LIMIT="1.5")
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.splitlines()[-1] == f"fer-tui: explainer {name} (roguekit 1.0): {said}"
        assert "Traceback" not in done.stderr
    assert here.run("plugins", "--forget", "ends").stderr == "forgotten: what went wrong with ends\n"
    told = here.run("plugins").stdout
    assert "faulty: the process was ended by SIGSEGV (2" in told and "faulty: it gave nothing" in told
    assert "with code 0" not in told and "disabled by FER_TUI_DISABLE_PLUGINS" in told
    assert "roguekit 1.0 is not of fer-tui: " in told and "run its author's code, with all your rights" in told


def test_those_that_break_at_import_are_left_out_and_the_others_listed(site: Made) -> None:
    here = site("*,!badimports,!fine,!saliency")  # the others take long to import
    done = here.run("plugins", "--json", FER_TUI_PLUGIN_LIMIT="2")
    assert done.returncode == 0, done.stderr
    states = {each["name"]: each for each in json.loads(done.stdout)}
    faults = {name: each["fault"] for name, each in states.items() if each["state"] == "failed"}
    assert states["saliency"]["state"] == states["fine"]["state"] == "ok" and not states["fine"]["own"]
    assert states["crashes"]["state"] == "unused"
    assert faults == {
        "bad_raising": r"RuntimeError: no \x1b[31mluck",
        "bad_leaving": "SystemExit: bye",
        "bad_newer": faults["bad_newer"],
        "bad_crashing": "left out: the process was ended by SIGSEGV",
        "bad_hanging": "left out: it was not imported for 2 s",
    }
    assert "what contract 1 does not have, upgrade fer-tui or the explainer" in faults["bad_newer"]


def test_the_check_goes_on_without_one_that_crashes_and_what_is_printed_is_kept_apart(site: Made) -> None:
    here = site("badimports")
    methods = "crashes,fine,prints,litters"
    done = here.run("check", "--methods", methods, "--samples", "1", "--device", "cpu", "--json", "--debug")
    assert done.returncode == 1
    findings = json.loads(done.stdout)["findings"]  # nothing that was printed is in it
    bad = {each["method"]: each["detail"] for each in findings if not each["ok"] and each["check"] != "not constant"}
    assert bad.keys() == {"crashes", "litters"} and bad["litters"].startswith("it left behind 4 hooks, ")
    assert bad["crashes"] == "left out: the process was ended by SIGSEGV"
    assert {each["check"] for each in findings if each["method"] == "fine" and each["ok"]} > {"runs", "model untouched"}
    said, _, printed = done.stderr.partition("printed by explainer prints (roguekit 1.0):\n")
    left = "fer-tui: explainer litters (roguekit 1.0): it left behind 4 hooks, training mode on "
    assert sum(line.startswith(left) for line in said.splitlines()) == 1
    lines = [r"by Python\x1b[2J", "by Python, to stderr", "by the system", "by the system, to stderr", "by C"]
    assert printed.splitlines()[:5] == lines and "by Python" not in said and "\x1b" not in done.stderr

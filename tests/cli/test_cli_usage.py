"""Words on the command line: help, wrong use in one line, and what may be imported for it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from fer_tui.cli import main
from fer_tui.cli.main import COMMANDS

HEAVY = ("torch", "numpy", "rich", "textual", "PIL", "sklearn", "skimage", "matplotlib")


@pytest.mark.parametrize("words", [["--help"], ["-h"], ["help"]])
def test_help_lists_every_command(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 0
    shown = capsys.readouterr()
    assert all(f"  {name} " in shown.out for name in COMMANDS)
    assert shown.err == ""


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command_shows_examples(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--help"]) == 0
    examples = capsys.readouterr().out.split("examples:\n")[1].splitlines()
    assert len(examples) >= 2
    assert all(line.startswith(f"  fer-tui {command}") for line in examples)


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    from importlib.metadata import version

    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"fer-tui {version('fer-tui')}\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["explan"], "there is no command explan; did you mean explain?"),
        (["exlore"], "did you mean explore?"),
        (["\x1b[31m"], "there is no command \\x1b[31m"),
        (["explain"], "the following arguments are required: METHOD (fer-tui explain --help)"),
        (["explain", "saliency", "--tagret", "fear"], "there is no flag --tagret; did you mean --target?"),
        (["config", "--modle", "x"], "there is no flag --modle; did you mean --model?"),
        (["--modle=x"], "there is no flag --modle; did you mean --model?"),
        (["config", "shwo"], "invalid choice: 'shwo'"),
        (["evaluate", "a.csv", "b.csv"], "there is no place for b.csv"),
        (["evaluate", "a.csv", "--data", "b.csv"], "both DATA (a.csv) and --data (b.csv)"),
        (["config", "--limit", "0"], "argument --limit: 0 is not a whole number above 0"),
        (["config", "--limit", "abc"], "argument --limit: 'abc' is not a whole number above 0"),
        (["config", "--mean", ".5,x"], "argument --mean: 'x' is not a number"),
        (["config", "--std", "0"], "argument --std: a standard deviation must be above 0"),
        (["config", "--std", "nan"], "argument --std: 'nan' is not a finite number"),
        (
            ["config", "--device", "gpu"],
            "argument --device: 'gpu' is none of auto, cpu, cuda:N, mps; did you mean cpu?",
        ),
        (["config", "--size", "48"], "argument --size: '48' is not a size such as 48x48"),
        (["config", "--fit", "strech"], "'strech' is none of stretch, crop, pad; did you mean stretch?"),
        (["config", "--classes", "a,,b"], "argument --classes: '' is not text"),
        (["config", "--classes", "a,b,a"], "'a' is named twice"),
        (["config", "--model-arg", "width"], "argument --model-arg: 'width' is not key=value"),
        (["config", "--config", "absent.toml"], "absent.toml: there is no such file"),
        (["explain", "saliency", "-p", "variant"], "argument -p: 'variant' is not key=value"),
        (["explain", "saliency", "-p", "a=1", "-p", "a=2"], "parameter a is given twice"),
        (["explain", "saliency", "--seed", "1", "-p", "seed=2"], "both --seed and -p seed="),
        (["explain", "saliency", "--filter", "-1"], "argument --filter"),
        (["explain", "saliency", "--out", "map.jpg"], "map.jpg: cannot be written as .jpg"),
        (["explain", "saliency", "--out", "absent/map.png"], "absent/map.png: there is no folder absent"),
        (["evaluate", "--expect", "1.5"], "argument --expect: '1.5' is not a number from 0 to 1"),
        (["evaluate", "--tolerance", ".1"], "--tolerance"),
    ],
)
def test_wrong_use_is_one_line_and_exit_code_2(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str], tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(str(tmp_path))
    assert main(words) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("fer-tui: ") and shown.err.count("\n") == 1
    assert said in shown.err
    assert "\x1b" not in shown.err


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["open", "--help"], ["explain", "--help"], ["explan"]])
def test_help_and_wrong_use_load_nothing_heavy(words: list[str]) -> None:
    code = (
        "import sys; from fer_tui.cli import main; main(sys.argv[1:]); "
        f"print([m for m in {HEAVY} if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=True)
    assert done.stderr.splitlines()[-1] == "[]"


def test_python_m_is_the_same_command() -> None:
    done = subprocess.run([sys.executable, "-m", "fer_tui", "explan"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("fer-tui: error: there is no command explan")


def test_the_explorer_without_a_terminal_says_what_works(capsys: pytest.CaptureFixture[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "fer_tui"], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr == "fer-tui: stdin: is no terminal (the explorer needs one; fer-tui explain works without)\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["open", "absent.csv"], "absent.csv: there is no such file (named by --data or data)"),
        (["--weights", "absent.pt"], "absent.pt: there is no such file (named by --weights or weights)"),
        (["--model", "absent.py:Net"], "absent.py: there is no such file (named by --model or model)"),
    ],
)
def test_the_explorer_refuses_absent_files_before_it_touches_the_screen(words: list[str], said: str) -> None:
    import os
    import pty

    master, slave = pty.openpty()
    try:
        command = [sys.executable, "-m", "fer_tui", *words]
        done = subprocess.run(
            command, stdin=slave, stdout=slave, stderr=subprocess.PIPE, text=True, check=False, timeout=60
        )
        os.set_blocking(master, False)
        with pytest.raises(BlockingIOError):
            os.read(master, 1)
    finally:
        os.close(master)
        os.close(slave)
    assert (done.returncode, done.stderr) == (2, f"fer-tui: {said}\n")

"""Completion: what may stand at the cursor, and that real shells offer it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fer_tui.cli import main
from fer_tui.cli.completing import FILES, words_for
from fer_tui.cli.main import ALIASES, COMMANDS


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache in which the explainers are remembered, for they were loaded once."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FER_TUI_CACHE", str(folder))
        assert main(["plugins"]) == 0
    return folder


@pytest.fixture(autouse=True)
def remembered(cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FER_TUI_CACHE", str(cache))
    monkeypatch.chdir(tmp_path)


def offered(line: str) -> list[str]:
    return [text for text, _ in words_for(line.split(" "))]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("expl", ["explain", "explore"]),
        ("explain smoothgrad-", ["smoothgrad-squared"]),
        ("explain saliency --tar", ["--target"]),
        ("explain saliency --target fear --tar", []),
        ("explain saliency -p varia", ["variant="]),
        ("explain saliency -p variant=smoothgrad-", ["variant=smoothgrad-squared"]),
        ("explain gradcam -p varian", ["variant="]),
        ("explain nonsense -p ", []),
        ("explain", ["explain"]),
        ("config sh", ["show"]),
        ("config show ", []),
        ("check --methods lime,sal", ["lime,saliency"]),
        ("open --theme cont", ["contrast", "contrast-light"]),
        ("--grap", ["--graphics"]),
        ("--graphics sextan", ["sextants"]),
        ("evaluate x.csv --fit p", ["pad"]),
        ("batch salien", ["saliency"]),
        ("batch saliency --targets pre", ["predicted"]),
        ("nonsense ", []),
        ("completion f", ["fish"]),
    ],
)
def test_what_may_stand_there(line: str, words: list[str]) -> None:
    assert offered(line) == words


@pytest.mark.parametrize(
    "line", ["explain cam --image x", "open x", "open a.csv --weights a.pt b", "init x", "--config x"]
)
def test_files_are_left_to_the_shell(line: str) -> None:
    assert FILES in words_for(line.split(" "))


def test_every_command_and_every_flag_is_offered() -> None:
    assert set(offered("")) == {*COMMANDS, *ALIASES}
    for name in COMMANDS:
        shown = {word.rstrip("):") for word in words_of_help(name) if word.startswith("--") and word != "--"}
        assert shown <= {*offered(f"{name} -")}, name


def words_of_help(name: str) -> list[str]:
    from importlib import import_module

    from fer_tui.cli.flags import Parser

    command = import_module(f"fer_tui.cli.{COMMANDS[name][0]}")
    parser = Parser(name, "")
    command.add_arguments(parser)
    return parser.format_help().replace("[", " ").replace("]", " ").replace(",", " ").split()


def test_nothing_heavy_is_loaded_for_it() -> None:
    code = (
        "import sys; from fer_tui.cli import main; main(sys.argv[1:]); "
        "print([m for m in ('torch', 'numpy', 'textual') if m in sys.modules], file=sys.stderr)"
    )
    words = ["completion", "words", "--", "explain", "saliency", "-p", "variant="]
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=True)
    assert done.stderr == "[]\n" and "variant=smoothgrad\t\n" in done.stdout


SHELLS = {
    "bash": """source s; COMP_LINE='fer-tui {line}'; COMP_POINT=${{#COMP_LINE}}; _fer_tui
        printf '%s\\n' "${{COMPREPLY[@]}}" """,
    "fish": "source s; complete -C 'fer-tui {line}' | string split -f1 \\t",
}


@pytest.mark.parametrize(
    ("shell", "line", "words"),
    [
        ("bash", "expl", ["explain", "explore"]),
        ("bash", "explain saliency -p variant=smoothgrad-", ["smoothgrad-squared"]),  # after the =
        ("bash", "evaluate a", ["a b.csv"]),
        ("fish", "expl", ["explain", "explore"]),
        ("fish", "explain saliency -p variant=smoothgrad-", ["variant=smoothgrad-squared"]),
        ("fish", "evaluate a", ["a b.csv"]),
    ],
)
def test_a_real_shell_offers_it(shell: str, line: str, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    assert offer(shell, line, capsys) == words


def offer(shell: str, line: str, capsys: pytest.CaptureFixture[str]) -> list[str]:
    assert main(["completion", shell]) == 0
    Path("s").write_text(capsys.readouterr().out)
    Path("a b.csv").touch()
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    script = SHELLS[shell].format(line=line)
    done = subprocess.run(
        [shell, "-c", script], capture_output=True, text=True, env=os.environ | {"PATH": path}, timeout=60
    )
    assert done.stderr == ""
    return sorted(done.stdout.replace("\\ ", " ").split("\n")[:-1])


def test_zsh_offers_it(capsys: pytest.CaptureFixture[str]) -> None:
    """Through a terminal, as zsh completes nowhere else."""
    import pty

    if shutil.which("zsh") is None:
        pytest.skip("zsh is not installed")
    assert main(["completion", "zsh"]) == 0
    Path("s").write_text(capsys.readouterr().out)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    master, slave = pty.openpty()
    env = os.environ | {"PATH": path, "TERM": "dumb", "PS1": "% "}
    shell = subprocess.Popen(
        ["zsh", "-f", "-i"], stdin=slave, stdout=slave, stderr=slave, env=env, start_new_session=True
    )
    try:
        os.close(slave)
        os.write(master, b"autoload -U compinit; compinit -u -D; source s; echo rea''dy\n")
        read_until(master, b"ready\r\n")
        os.write(master, b"fer-tui conf\tpa\t\n")
        assert b"config.toml" in read_until(master, b"config.toml")
    finally:
        shell.kill()
        shell.wait(10)
        os.close(master)


def read_until(master: int, wanted: bytes, seconds: float = 30) -> bytes:
    import select
    import time

    found, end = b"", time.monotonic() + seconds
    while wanted not in found and (left := end - time.monotonic()) > 0:
        if select.select([master], [], [], left)[0]:
            found += os.read(master, 4096)
    return found

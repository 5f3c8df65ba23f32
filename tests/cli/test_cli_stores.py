"""Further stores by flag and file, and an explanation that comes from one of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fer_tui.cli import flags, main
from fer_tui.cli.layers import layered
from fer_tui.engine import Store
from fer_tui.tui.command import flags_of

pytestmark = pytest.mark.usefixtures("folder")


def test_named_by_flags_and_in_a_file(folder: Path) -> None:
    (folder / "project").mkdir()
    Path("project/fer-tui.toml").write_text('stores = ["maps", "/shared/maps"]\n')
    assert layered({}, "project/fer-tui.toml").settings.stores == ("project/maps", "/shared/maps")
    parser = flags.Parser("fer-tui", "")
    flags.add_settings(parser)
    settings = flags.settings_of(parser.parse(["--store", "a", "--store=b c"])).settings
    assert settings.stores == ("a", "b c")
    assert list(flags_of(settings)) == ["--store", "a", "--store", "b c"]


def test_an_explanation_comes_from_a_further_store(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["explain", "saliency", "--image", "3", "--device", "cpu", "--json"]
    assert main([*command, "--cache", "batch"]) == 0
    first = json.loads(capsys.readouterr().out)
    assert main([*command, "--cache", "own", "--store", "absent", "--store", "batch"]) == 0
    shown = capsys.readouterr()
    assert json.loads(shown.out) == first  # its seconds, too: it was not made again
    assert "absent/store.sqlite: there is no store" in shown.err
    own = Store.open(folder / "own")
    assert "saliency" not in own.usage().by_method
    own.close()

"""Tables, actions and replies as plain data: what is refused, and that nothing is lost on wire, shelf and disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fer_tui import plugins
from fer_tui.contract import Axis, Column, Description, Heatmap, InputError, Place, Reply, Table
from fer_tui.engine import codec
from fer_tui.picture import load, save
from fer_tui.picture.tables import as_csv, cells, lines

LINKED = Table(
    (Column("row", link=Axis.IMAGE), Column("class", align="left", link=Axis.TARGET), Column("share", unit="%")),
    [(np.int64(3), 1, np.float32(0.5)), (7, None, float("nan")), (0, 0, True)],
    "what leads [bold]where\x1b[2J",
)


@pytest.mark.parametrize(
    ("columns", "rows", "said"),
    [
        ([], [], "1 to 32 columns"),
        ([Column("a")] * 33, [], "1 to 32 columns"),
        ([Column("a")], [(1,)] * 10_001, "10000 rows at most"),
        ([Column("a")] * 20, [(1,) * 20] * 6000, "100000 cells at most"),
        ([Column("a"), Column("b")], [(1, 2), (1,)], "row 1 has 1 cells for 2 columns"),
        ([Column("a")], [([1],)], "list is no plain value"),
        ([Column("a")], [("x" * 501,)], "500 letters"),
        ([Column("a", link=Axis.IMAGE)], [(-1,)], "-1 is no image"),
        ([Column("a", link=Axis.FILTER)], [(True,)], "True is no filter"),
        ([Column("a", link=Axis.LAYER)], [(1,)], "1 is no layer"),
    ],
)
def test_no_table(columns: Any, rows: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Table(columns, rows)


def test_what_an_explanation_refuses() -> None:
    with pytest.raises(ValueError, match="8 tables at most"):
        Reply(tables={str(n): LINKED for n in range(9)})
    with pytest.raises(ValueError, match="by their names"):
        Reply(tables={"a": [1]})  # type: ignore[dict-item]
    with pytest.raises(ValueError, match="100000 letters"):
        Reply(text="x" * 100_001)


def test_links_order_and_text() -> None:
    here = Place(9, 2, "conv", None, 1)
    assert LINKED.place(0, here) == Place(3, 1, "conv", None, 1)
    assert LINKED.place(1, here) == Place(7, 2, "conv", None, 1)
    assert Table([Column("a")], [(1,)]).place(0, here) is None
    assert [LINKED.order(1), LINKED.order(1, down=True), LINKED.order(2)] == [[2, 0, 1], [0, 2, 1], [0, 2, 1]]
    mixed = Table([Column("a")], [("b",), (2,), (None,), ("A",), (-1.5,)])
    assert mixed.order(0) == [4, 1, 3, 0, 2]
    assert cells(LINKED, ("cat", "d\x1bg")) == [["3", "d\\x1bg", "0.5"], ["7", "–", "–"], ["0", "cat", "yes"]]
    told = list(lines(LINKED, ("cat", "dog")))
    assert told[0] == "what leads [bold]where\\x1b[2J" and told[1] == "row  class  share (%)"
    assert as_csv(LINKED, ("cat", "dog")).splitlines() == ["row,class,share (%)", "3,dog,0.5", "7,,", "0,cat,True"]


def test_nothing_is_lost(tmp_path: Path) -> None:
    heatmap = Heatmap(values=np.ones((2, 2), np.float32), image=np.ones((2, 2), np.uint8), tables={"a": LINKED})
    reply = Reply(text="two\nlines", tables={"a": LINKED, "b": Table([Column("x")], [])}, notes=("n",))
    for made in (heatmap, reply):
        save(made, tmp_path / "saved.npz")
        for found in (codec.unpack(codec.pack(made)), load(tmp_path / "saved.npz")):
            assert type(found) is type(made) and dict(found.tables) == dict(made.tables)
    assert codec.unpack(codec.pack(reply)).text == "two\nlines"  # type: ignore[attr-defined]
    with pytest.raises(InputError, match="has no picture"):
        save(reply, tmp_path / "saved.png")


def test_actions_are_plain_data(foreign: None) -> None:
    described = plugins.description(plugins.load("tiles"))
    assert [each.name for each in described.actions] == ["all-classes", "turned", "endless", "brightest", "places"]
    assert Description.from_dict(described.to_dict()) == described
    older = {name: value for name, value in described.to_dict().items() if name != "actions"}
    assert Description.from_dict(older).actions == ()
    assert described.for_action("") is described
    assert described.for_action("brightest").axes == frozenset() and described.for_action("brightest").needs_dataset
    with pytest.raises(InputError, match="did you mean turned"):
        described.for_action("turn")

"""Several stores as one: which is asked first, which is written to, and what happens where one is not there."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fer_tui.contract import Heatmap
from fer_tui.engine import Settings, Shelf, Stores, codec
from fer_tui.engine.session import open_session, open_store
from fer_tui.engine.store import Store
from fer_tui.engine.storefile import FILE_NAME


def key(number: int) -> str:
    return f"{number:032x}"


def made(folder: Path, *numbers: int) -> str:
    store = Store.open(folder, limit_bytes=None)
    assert store.put_many([(key(n), f"{folder.name} {n}".encode(), "m", "") for n in numbers])
    store.close()
    return str(folder)


def test_the_own_one_is_asked_first_and_alone_is_written_to(tmp_path: Path) -> None:
    others = [made(tmp_path / "one", 1, 2), made(tmp_path / "two", 2, 3)]
    before = [(Path(each) / FILE_NAME).read_bytes() for each in others]
    stores = Stores.open(str(tmp_path / "own"), others)
    stores.put(key(1), b"mine", method="m")
    assert [stores.get(key(n)) for n in range(5)] == [None, b"mine", b"one 2", b"two 3", None]
    assert stores.has([key(n) for n in range(5)]) == {key(1), key(2), key(3)}
    assert stores.missing([key(n) for n in (4, 3, 0)]) == [key(4), key(0)]
    assert stores.missing([bytes.fromhex(key(n)) for n in (3, 4)]) == [bytes.fromhex(key(4))]
    assert stores.notes == () and stores.is_on
    stores.close()
    assert [(Path(each) / FILE_NAME).read_bytes() for each in others] == before
    assert [path.name for each in others for path in Path(each).iterdir()] == [FILE_NAME, FILE_NAME]
    alone = Stores.open("none", [str(tmp_path / "one" / FILE_NAME)])
    alone.put(key(9), b"x", method="m")
    assert alone.own is None and alone.get(key(2)) == b"one 2" and alone.get(key(9)) is None
    assert not alone.put_many([(key(9), b"x", "m", "")])
    alone.close()


def test_one_that_is_missing_or_damaged_is_told_and_left_out(tmp_path: Path) -> None:
    good = made(tmp_path / "good", 1)
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / FILE_NAME).write_bytes(b"no database" * 1000)
    named = (str(tmp_path / "absent"), str(tmp_path / "bad"), good)
    settings = Settings(data=None, device="cpu", limit=3, cache=str(tmp_path / "own"), stores=named)
    with open_session(Settings.from_dict(settings.to_dict())) as session:
        assert session.store is not None and session.store.get(key(1)) == b"good 1"
        told = session.notes[-2:]
    assert str(tmp_path / "absent") in told[0] and told[0].endswith("there is no store")
    assert str(tmp_path / "bad") in told[1] and told[1].endswith("file is not a database")
    assert not (tmp_path / "absent").exists()
    assert open_store(Settings(cache="none")) is None


def test_the_shelf_reads_them_all(tmp_path: Path) -> None:
    heatmap = Heatmap(values=np.eye(4, dtype=np.float32), image=np.zeros((4, 4), np.uint8))
    other = Store.open(tmp_path / "other")
    other.put(key(5), codec.pack(heatmap), method="m", kind="heatmap")
    other.close()
    shelf = Shelf(Stores.open(str(tmp_path / "own"), [str(tmp_path / "other")]))
    found = shelf.get(key(5))
    assert isinstance(found, Heatmap) and np.array_equal(found.values, np.eye(4))
    assert shelf.get(key(6)) is None
    shelf.close()

"""Bad input: one line that names the file, the line, row or key, and the mend; and nothing of it is kept."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from fer_tui.contract import InputError
from fer_tui.dataset import open_dataset

Refused = Callable[..., InputError]
HEAD = "emotion,pixels,Usage\n"
GOOD = "3,1 2 3 4,Training\n"
LONG = "9" * 5000


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("hello,world\n1,2\n", r"line 1: this header is not understood: 'hello,world' \(the header must name pixels"),
        ("emotion,pixles,Usage\n0,1,Training\n", "line 1: .*did you mean pixels"),
        (f"{LONG},{LONG}\n", "line 1: this header is not understood"),
        ("\n", "line 1: this header is not understood"),
        ("\x1b[2J,x\n", r"line 1: this header is not understood: .*\\x1b\[2J"),
        (HEAD.replace(",", ";"), r"line 1: semicolons are between its fields \(save it with commas"),
        (HEAD.replace(",", "\t"), "line 1: tabs are between its fields"),
        (HEAD, "a.csv: has a header and no rows"),
        (HEAD + "\n\r\n  \n", "a.csv: has a header and no rows"),
        (HEAD + GOOD + "3,1 2 3 4\n", r"line 3: it has 2 fields, the header has 3 \(mend the line, or take it out\)"),
        (HEAD + GOOD + "\n" + GOOD.replace(",", ",,"), "line 4: it has 5 fields, the header has 3"),
        (HEAD + GOOD + "3,1 2 3,Training\n", r"line 3: it has 3 pixels, the first row has 4 \(2 x 2\)"),
        (HEAD + GOOD + "3,1 2 3 4 5,Training\n", "line 3: it has 5 pixels, the first row has 4"),
        (HEAD + GOOD + "3,,Training\n", "line 3: it has 0 pixels, the first row has 4"),
        (HEAD + "3,,Training\n", "line 2: 0 pixels are no square picture"),
        (HEAD + "3,1 2 3,Training\n", r"line 2: 3 pixels are no square picture \(FER2013 has 48 x 48 = 2304\)"),
        (HEAD + GOOD + "3,1 2 300 4,Training\n", r"line 3: pixel 2 is '300' \(pixels are whole numbers from 0 to"),
        (HEAD + "3,1 256 3 4,Training\n", "line 2: pixel 1 is '256'"),
        (HEAD + GOOD + GOOD + "3,1 2 3 abc,Training\n", "line 4: pixel 3 is 'abc'"),
        (HEAD + GOOD + "3,-1 2 3 4,Training\n", "line 3: pixel 0 is '-1'"),
        (HEAD + GOOD + "3,1 1_0 3 4,Training\n", "line 3: pixel 1 is '1_0'"),
        (HEAD + GOOD + "3,1 2.0 3 4,Training\n", "line 3: pixel 1 is '2.0'"),
        (HEAD + GOOD + "3,1 +2 3 4,Training\n", r"line 3: pixel 1 is '\+2'"),
        (HEAD + GOOD + "3,1 ² 3 4,Training\n", "line 3: pixel 1 is '²'"),
        (HEAD + GOOD + "3,1 \x1b[2J 3 4,Training\n", r"line 3: pixel 1 is .*\\x1b\[2J"),
        (HEAD + GOOD + f"3,1 {LONG} 3 4,Training\n", "line 3: pixel 1 is '9999999999999999999…'"),
        (HEAD + GOOD + f"3,1 1{'0' * 4999} 3 4,Training\n", "line 3: pixel 1 is '1000"),
        (HEAD + GOOD + "9,1 2 3 4,Training\n", "line 3: there is no label '9' .labels are 0 angry, .*6 neutral"),
        (HEAD + GOOD + "foo,1 2 3 4,Training\n", "line 3: there is no label 'foo'"),
        (HEAD + GOOD + "-1,1 2 3 4,Training\n", "line 3: there is no label '-1'"),
        (HEAD + GOOD + "1.5,1 2 3 4,Training\n", "line 3: there is no label '1.5'"),
        (HEAD + GOOD + "10000000003,1 2 3 4,Training\n", "line 3: there is no label '10000000003'"),
        (HEAD + GOOD + f"{LONG},1 2 3 4,Training\n", "line 3: there is no label '9999999999999999999…'"),
        (HEAD + GOOD + "3,1 2 3 4,\n", r"line 3: it names no split \(write one"),
        ("pixels,Usage\n" + "".join(f"1,s{n}\n" for n in range(300)), "line 257: there are more than 255 splits"),
        ("pixels\n" + "".join("0 1 2 3\n" for _ in range(200_000)) + "0 1 2 x\n", "line 200002: pixel 3 is 'x'"),
    ],
)  # fmt: skip
def test_bad_lines_are_named(text: str, fault: str, tmp_path: Path, refused: Refused) -> None:
    (tmp_path / "a.csv").write_text(text)
    error = refused(tmp_path / "a.csv")
    assert error.where.startswith(str(tmp_path / "a.csv")) and error.mend
    assert re.search(fault, str(error))


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ((HEAD + GOOD).encode("utf-16"), "is text in UTF-16 (save it in UTF-8: iconv -f UTF-16 -t UTF-8 "),
        ((HEAD + GOOD).encode("utf-16-be"), "is text in UTF-16"),
        (b"\x89PNG\r\n\x1a\n\0\0\0", "is no text, so no CSV (give it the ending"),
        (b"PK\3\4\x14\0\0\0", "is no text, so no CSV"),
        (b"\x1f\x8b\x08\n", "is no text, so no CSV"),
    ],
)
def test_what_is_no_text_in_utf8_is_told(content: bytes, fault: str, tmp_path: Path, refused: Refused) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    assert str(refused(tmp_path / "a.csv")).startswith(f"{tmp_path / 'a.csv'}: {fault}")


def test_an_endless_line_is_given_up(tmp_path: Path, refused: Refused) -> None:
    with (tmp_path / "a.csv").open("wb") as file:
        file.write(b"pixels\n1 2 3 4\n")
        file.truncate(70 << 20)
    assert "a.csv line 3: is endless" in str(refused(tmp_path / "a.csv"))


@given(data=st.binary(max_size=80), head=st.sampled_from([b"", b"pixels\n", b"label,feature\n", b"path,label\n"]))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_are_opened_or_refused(data: bytes, head: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(head + data)
    try:
        dataset = open_dataset(path, cache="none")
    except InputError as error:
        assert str(error).startswith(str(path)) and str(error).isprintable()
    else:
        assert len(dataset) >= 1


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("path,label\n", "a.csv: has a header and no rows"),
        ("path,label\nin.png,x\nout.png,y\n", "line 3: there is no picture 'out.png' .paths start at "),
        ("path,label\n,x\n", "line 2: it names no picture .paths start at "),
        ("path,label\nfolder,x\n", "line 2: there is no picture 'folder'"),
        ("path,label\n\x1b[2J.png,x\n", r"line 2: there is no picture .*\\x1b\[2J"),
        ("path,label\nin.png\n", "line 2: it has 1 fields, the header has 2"),
        ("path,label\nin.png,x,y\n", "line 2: it has 3 fields, the header has 2"),
        ("path,label\n" + "a" * 5000 + ".png,x\n", "line 2: there is no picture '…aaa"),
        ("path,label\n" + "a" * 200_000 + ".png,x\n", "line 2: is no CSV"),
        ("path,split\n" + "".join(f"in.png,s{n}\n" for n in range(300)), "a.csv: has 300 splits"),
    ],
)  # fmt: skip
def test_bad_lines_of_a_csv_of_pictures_are_named(text: str, fault: str, tmp_path: Path, refused: Refused) -> None:
    Image.new("L", (2, 2)).save(tmp_path / "in.png")
    (tmp_path / "folder").mkdir()
    (tmp_path / "a.csv").write_text(text)
    error = refused(tmp_path / "a.csv")
    assert error.where.startswith(str(tmp_path / "a.csv")) and error.mend
    assert re.search(fault, str(error))


def test_the_folder_where_paths_start_is_told(tmp_path: Path, refused: Refused) -> None:
    for name in ("x.png", "./b/../x.png", "/nowhere/x.png", ""):
        (tmp_path / "a.csv").write_text(f"path,label\n{name},1\n")
        assert refused(tmp_path / "a.csv").mend == f"paths start at {tmp_path.resolve()}"


def test_a_missing_file_is_told_with_the_nearest(tmp_path: Path, refused: Refused) -> None:
    (tmp_path / "fer2013.csv").write_text(HEAD + GOOD)
    assert "no such file or folder; did you mean fer2013.csv?" in str(refused(tmp_path / "fer2103.csv"))
    assert str(refused(tmp_path / "else" / "x.csv")).startswith(
        f"{tmp_path / 'else' / 'x.csv'}: no such file or folder"
    )
    for name in ("\0.csv", "a" * 300 + ".csv", "\ud800.csv", "fer2013.csv/x.csv"):
        refused(tmp_path / name)


@pytest.mark.parametrize("name", ["a.csv", "a.npz", "a.npy", "a.png", "a.zip"])
def test_an_empty_file_is_told_as_such(name: str, tmp_path: Path, refused: Refused) -> None:
    (tmp_path / name).touch()
    error = refused(tmp_path / name)
    assert str(error).startswith(f"{tmp_path / name}: is empty") and error.mend


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("a.zip", r"a.zip: .zip is not understood \(unpack it first\)"),
        ("fer2013.tar.gz", r"fer2013.tar.gz: is compressed: .*unpack"),
        ("a.feather", r"a.feather: .feather is not understood \(understood are .csv, .npz"),
        ("a", r"a: a file without a suffix is not understood \(understood are"),
        ("a.py", r"a.py: .py is not understood .*file.py:name"),
        ("a.\x1b[2J", r"\\x1b\[2j is not understood"),
    ],
)
def test_other_files_are_not_understood(name: str, fault: str, tmp_path: Path, refused: Refused) -> None:
    (tmp_path / name).write_text("something")
    assert re.search(fault, str(refused(tmp_path / name)))


@pytest.mark.parametrize("suffix", ["png", "jpg", "gif", "bmp", "tif", "webp"])
def test_a_text_that_is_called_a_picture_is_none(suffix: str, tmp_path: Path, refused: Refused) -> None:
    (tmp_path / f"a.{suffix}").write_text("no picture at all")
    error = refused(tmp_path / f"a.{suffix}")
    assert f"a.{suffix}: is no picture that can be read" in str(error) and error.mend


@pytest.mark.parametrize("suffix", ["png", "jpg", "bmp", "webp", "pgm"])
def test_a_picture_that_is_cut_off_is_refused(suffix: str, tmp_path: Path, refused: Refused) -> None:
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(np.random.default_rng(14).integers(0, 256, (60, 60), np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    error = refused(path)
    assert (
        error.where == str(path) and re.search("cut off|no picture", error.fault) and "get the file again" in error.mend
    )


def test_a_folder_without_pictures_is_refused(tmp_path: Path, refused: Refused) -> None:
    (tmp_path / "angry").mkdir()
    (tmp_path / "angry" / "a.txt").write_text("no picture")
    (tmp_path / ".hidden.png").write_text("hidden")
    error = refused(tmp_path)
    assert f"{tmp_path}: there are no pictures in it" in str(error) and ".png" in error.mend


def test_names_of_files_cannot_steer_the_terminal(tmp_path: Path, refused: Refused) -> None:
    for name in ("\x1b[2J.csv", "two\nlines.csv", "\x1b]0;title\x07.npz", "\u202egnp.csv", "\x9b31m.png"):
        (tmp_path / name).write_text("x")
        message = str(refused(tmp_path / name))
        assert name.encode("unicode_escape").decode().partition(".")[0] in message
    assert re.search(r"did you mean \\x1b\[2J.csv", str(refused(tmp_path / "\x1b[3J.csv")))
    folder = tmp_path / "\x1b[2J"
    folder.mkdir()
    assert r"\x1b[2J: there are no pictures" in str(refused(folder))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read anything")
def test_what_may_not_be_read_is_told(tmp_path: Path, refused: Refused) -> None:
    (tmp_path / "closed").mkdir(mode=0)
    Image.new("L", (2, 2)).save(tmp_path / "a.png")
    (tmp_path / "b.csv").write_text(HEAD + GOOD)
    np.savez(tmp_path / "c.npz", images=np.zeros((2, 2, 2), np.uint8))
    for name in ("a.png", "b.csv", "c.npz"):
        (tmp_path / name).chmod(0)
    for name in ("closed", "a.png", "b.csv", "c.npz"):
        assert f"{name}: cannot be read: no permission" in str(refused(tmp_path / name))

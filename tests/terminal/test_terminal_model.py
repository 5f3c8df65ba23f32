"""The modelled terminal against what others say of the same bytes: hand-made examples, Unicode's names, ImageMagick."""

from __future__ import annotations

import base64
import io
import random
import shlex
import shutil
import subprocess
import sys
import unicodedata
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from terminal_model import NAMES, QUERIES, AppRun, Terminal, recorded
from terminal_model.glyphs import _grids, covered
from terminal_model.kitty import KittyPictures
from terminal_model.parsing import Parser, Text
from terminal_model.screen import Pen
from terminal_model.sixel import decode

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


def terminal(name: str = "kitty", columns: int = 20, rows: int = 6) -> Terminal:
    return Terminal(recorded(name), columns, rows)


def noise(height: int, width: int, depth: int = 3) -> np.ndarray:
    return np.random.default_rng(height * width).integers(0, 256, (height, width, depth), dtype=np.uint8)


def png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return base64.b64encode(file.getvalue())


def apc(control: str, payload: bytes = b"") -> bytes:
    return b"\x1b_G" + control.encode() + b";" + payload + b"\x1b\\"


def test_bytes_may_come_in_any_pieces() -> None:
    strings = "\x1b_Gi=1;AAAA\x1b\\\x1b]2;t\x07\x1bPtmux;\x1b\x1b_Ga=q\x1b\x1b\\\x1b\\"
    data = f"a▀é\x1b[38;2;1;2;3m\U0010eeee\u0305{strings}\r\nz".encode()
    whole = list(Parser().feed(data))
    assert len(whole) == 9
    for seed in range(50):
        cuts = sorted(random.Random(seed).sample(range(len(data)), 8))
        parser = Parser()
        tokens: list[object] = []
        for start, stop in zip([0, *cuts], [*cuts, len(data)], strict=True):
            for token in parser.feed(data[start:stop]):
                if isinstance(token, Text) and tokens and isinstance(before := tokens[-1], Text):
                    tokens[-1] = Text(before.text + token.text)
                else:
                    tokens.append(token)
        assert tokens == whole and parser.waiting == b""


def test_cursor_erasing_and_scrolling() -> None:
    screen = terminal(columns=6, rows=3)
    screen.feed(b"abcdefgh\x1b[3;2Hxyz\x1b[3;3H\x1b[K\r\n\x1b[1;3H\x1b[2X")
    assert [screen.text(row) for row in range(3)] == ["gh", " x", ""]
    screen.feed(b"\x1b[2J\x1b[Hone\x1b[2;1Htwo\x1b[1;1H\x1b[L\x1b[1;1H\x1b[3@\x1b[Hz\x1b[2b")
    assert [screen.text(row) for row in range(3)] == ["zzz", "one", "two"]


def test_colours_are_what_sgr_says() -> None:
    screen = terminal()
    screen.feed(b"\x1b[38;2;1;2;3;48;5;9ma\x1b[38:2::4:5:6mb\x1b[0;7;31;104mc\x1b[39;49;27;58;5;7md\x1b[mE")
    pens = [cell.pen for cell in screen.screen.cells[0][:5]]
    assert pens == [
        Pen((1, 2, 3), 9),
        Pen((4, 5, 6), 9),
        Pen(1, 12, reverse=True),
        Pen(under=7),
        Pen(),
    ]
    screen.feed("\x1b[H\x1b[38;5;196;48;5;21m▀\x1b[38;5;232;48;5;255m▐".encode())
    pixels = screen.pixels(0, 0, 2, 1)
    assert pixels[0, 0].tolist() == list(RED) and pixels[16, 0].tolist() == list(BLUE)
    assert pixels[0, 8].tolist() == [238] * 3 and pixels[0, 15].tolist() == [8] * 3


def test_block_characters_cover_what_their_names_say() -> None:
    """Sextants are named by their parts since Unicode 13, quadrants by theirs, octants since Unicode 16."""
    parts = {"UPPER LEFT": 0, "UPPER RIGHT": 1, "LOWER LEFT": 2, "LOWER RIGHT": 3}
    checked = 0
    for character, (_, bits) in _grids().items():
        name = unicodedata.name(character, "")
        if name.startswith("QUADRANT"):
            named = [bit for part, bit in parts.items() if part in name]
        elif name.startswith(("BLOCK SEXTANT", "BLOCK OCTANT")):
            named = [int(digit) - 1 for digit in name.split("-")[1]]
        else:
            continue
        checked += 1
        assert bits == sum(1 << bit for bit in named), name
    assert checked >= 70
    seen = {mask.tobytes() for character in _grids() if (mask := covered(character, 8, 16)) is not None}
    assert len(seen) >= 256  # every pattern of octants can be drawn
    lower = covered("▂", 8, 16)
    assert lower is not None and lower[12:].all() and not lower[:12].any()


def test_sixels_by_hand() -> None:
    pixels = decode(b'0;1;0q"1;1;3;12#1;2;100;0;0#2;2;0;100;0#1~$#2?@-#2!3N').pixels
    expected = np.zeros((12, 3, 4), np.uint8)
    expected[:6, 0] = (*RED, 255)
    expected[0, 1] = (*GREEN, 255)
    expected[6:10] = (*GREEN, 255)
    np.testing.assert_array_equal(pixels, expected)
    filled = decode(b'q"1;1;2;6#0;2;0;0;100#1;1;120;50;100#1~').pixels
    assert filled[0, :, :3].tolist() == [list(RED), list(BLUE)] and (filled[..., 3] == 255).all()
    with pytest.raises(ValueError, match="no sixel"):
        decode(b"q#1\xff")


@pytest.mark.skipif(not shutil.which("convert"), reason="ImageMagick is not at hand")
@pytest.mark.parametrize("size", [(48, 48), (13, 50), (1, 7)])
def test_sixels_as_imagemagick_writes_them(size: tuple[int, int], tmp_path: Path) -> None:
    height, width = size
    kept = tmp_path / "quantised.rgb"
    words = f"-size {width}x{height} -depth 8 rgb:- -colors 64 -write rgb:{kept} sixel:-".split()
    made = subprocess.run(["convert", *words], input=noise(height, width).tobytes(), capture_output=True, check=False)
    if made.returncode or not kept.exists():
        pytest.skip(f"this ImageMagick writes no sixels: {made.stderr.decode()[:80]}")
    written = made.stdout
    ours = decode(written[written.index(b"P") + 1 : written.rindex(b"\x1b\\")])
    assert ours.raster == (1, 1, width, height)
    expected = np.frombuffer(kept.read_bytes(), np.uint8).reshape(height, width, 3)
    shown = ours.pixels[:height, :width, :3]
    assert np.abs(shown.astype(int) - expected).max() <= 2  # colours are sent in per cent


def test_sixels_lie_in_cells_until_text_takes_them() -> None:
    screen = terminal("xterm-sixel")
    screen.feed(b'\x1b[2;3H\x1bP0;1;0q"1;1;16;36#1;2;100;0;0' + b"-".join([b"#1!16~"] * 6) + b"\x1b\\")
    assert set(screen.screen.sixels) == {(x, y) for x in (2, 3) for y in (1, 2, 3)}
    assert (screen.pixels(2, 1, 2, 2) == RED).all() and screen.pixels(2, 3, 2, 1)[:, :, 0].sum() == 2 * 16 * 255
    screen.feed(b"\x1b[2;3Hx")
    assert (2, 1) not in screen.screen.sixels and (screen.pixels(3, 1, 1, 2) == RED).all()
    screen.feed(b"\x1b[2J")
    assert screen.screen.sixels == {} and not screen.pixels().any()


def test_a_terminal_without_graphics_loses_them() -> None:
    for name in ("xterm", "mute", "foot"):
        screen = terminal(name)
        screen.feed(apc("a=T,f=100,i=3,q=2", png(noise(4, 4))))
        assert len(screen.lost) == 1 and screen.memory == 0


def test_kitty_pictures_in_every_form() -> None:
    pixels = noise(5, 7)
    pictures = KittyPictures((8, 17))
    payload = png(noise(60, 60))
    chunks = [payload[at : at + 4096] for at in range(0, len(payload), 4096)]
    for number, chunk in enumerate(chunks):
        more = int(number < len(chunks) - 1)
        data = (f"Ga=t,f=100,i=9,m={more}" if not number else f"Gm={more}").encode() + b";" + chunk
        answer, _ = pictures.command(data, (0, 0))
    assert answer == b"\x1b_Gi=9;OK\x1b\\" and len(chunks) > 2
    np.testing.assert_array_equal(pictures.stored[9].pixels[..., :3], noise(60, 60))
    pictures.command(b"Gf=24,s=7,v=5,o=z,i=1;" + base64.b64encode(zlib.compress(pixels.tobytes())), (0, 0))
    pictures.command(b"Gf=32,s=7,v=5,i=2;" + base64.b64encode(noise(5, 7, 4).tobytes()), (0, 0))
    np.testing.assert_array_equal(pictures.stored[1].pixels[..., :3], pixels)
    np.testing.assert_array_equal(pictures.stored[2].pixels, noise(5, 7, 4))
    assert pictures.memory == 4 * (3600 + 35 + 35) and pictures.faults == []
    for wrong in (b"Gf=100,i=5;AAAA", b"Gf=24,s=9,v=9,i=5;AAAA", b"Ga=p,i=77,c=1,r=1;", b"Gt=f,i=5;AAAA"):
        answer, _ = pictures.command(wrong, (0, 0))
        assert b";E" in answer
    assert len(pictures.faults) == 4 and 5 not in pictures.stored


@pytest.mark.parametrize(
    ("command", "left", "placements"),
    [
        ("a=d", {1, 2, 3}, {1: 1, 2: 0, 3: 0}),
        ("a=d,d=A", {1, 3}, {1: 1, 3: 0}),
        ("a=d,d=i,i=1", {1, 2, 3}, {1: 0, 2: 1, 3: 0}),
        ("a=d,d=I,i=1", {2, 3}, {2: 1, 3: 0}),
        ("a=d,d=I,i=3", {1, 2}, {1: 1, 2: 1}),
        ("a=d,d=R,x=1,y=2", {3}, {3: 0}),
        ("a=d,I=1", {1, 2, 3}, {1: 1, 2: 0, 3: 0}),
        ("a=d,d=P,x=3,y=1", {1, 3}, {1: 1, 3: 0}),
        ("a=d,d=P,x=9,y=1", {1, 2, 3}, {1: 1, 2: 1, 3: 0}),
    ],
)
def test_deleting_frees_what_it_names(command: str, left: set[int], placements: dict[int, int]) -> None:
    """1: a virtual placement, 2: one at a cell, 3: none."""
    screen = terminal()
    for number in (1, 2, 3):
        screen.feed(apc(f"a=t,f=100,q=2,i={number}", png(noise(4, 4))))
    screen.feed(apc("a=p,U=1,i=1,c=4,r=2,q=2") + b"\x1b[1;2H" + apc("a=p,i=2,c=4,r=2,q=2,C=1") + apc(command))
    stored = screen.screen.kitty.stored
    assert set(stored) == left
    assert {number: len(each.placements) for number, each in stored.items()} == placements


def test_sending_an_id_again_takes_its_placement_away() -> None:
    screen = terminal()
    screen.feed(apc("a=T,U=1,f=100,q=2,i=5,c=4,r=2", png(noise(4, 4))))
    screen.feed(apc("a=t,f=100,q=2,i=5", png(noise(8, 8))))
    assert screen.screen.kitty.stored[5].placements == {} and screen.memory == 256


@pytest.mark.parametrize("name", ["kitty", "kitty-tmux-3.3a"])
@pytest.mark.parametrize("inherit", [False, True])
def test_placeholders_show_the_picture_in_their_cells(name: str, inherit: bool) -> None:
    pixels = noise(34, 32)
    screen = terminal(name)
    command = apc("a=T,U=1,f=100,q=2,i=42,c=4,r=2", png(pixels))
    if name != "kitty":
        command = b"\x1bPtmux;" + command.replace(b"\x1b", b"\x1b\x1b") + b"\x1b\\"
    screen.feed(command)
    marks = "\u0305\u030d\u030e\u0310"
    for row in range(2):
        cells = "".join(
            "\U0010eeee" + ("" if inherit and column else marks[row] + marks[column]) for column in range(4)
        )
        screen.feed(f"\x1b[{row + 2};3H\x1b[38;5;42m{cells}\x1b[m".encode())
    np.testing.assert_array_equal(screen.pixels(2, 1, 4, 2), pixels)
    assert not screen.pixels(0, 0, 20, 1).any()
    screen.feed("\x1b[2;3H\x1b[38;5;43m\U0010eeee".encode())  # another id: nothing there
    assert not screen.pixels(2, 1, 1, 1).any()


def test_placeholders_without_room_are_not_bent() -> None:
    screen = terminal()
    screen.feed(apc("a=T,U=1,f=100,q=2,i=1,c=6,r=2", png(np.full((4, 4, 3), 200, np.uint8))))
    screen.feed(
        b"\x1b[38;5;1m" + "".join("\U0010eeee\u0305" + m for m in "\u0305\u030d\u030e\u0310\u0312\u033d").encode()
    )
    columns = np.flatnonzero(screen.pixels(0, 0, 6, 1)[0, :, 0] == 200)
    assert (columns[0], columns[-1], len(columns)) == (7, 40, 34)


def test_old_kitty_and_wezterm_have_no_placeholders() -> None:
    for name in ("kitty-0.26", "wezterm"):
        screen = terminal(name)
        screen.feed(apc("a=T,U=1,f=100,i=1,c=2,r=1", png(noise(4, 4))) + "\x1b[38;5;1m\U0010eeee".encode())
        assert screen.screen.kitty.faults and not screen.pixels().any()


def test_tmux_hands_on_only_what_it_is_allowed_to() -> None:
    wrapped = b"\x1bPtmux;" + apc("a=t,f=100,i=4,q=2", png(noise(4, 4))).replace(b"\x1b", b"\x1b\x1b") + b"\x1b\\"
    shown, hidden, none = (terminal(f"kitty{which}") for which in ("-tmux-3.5a", "-tmux-3.3a-defaults", ""))
    for each in (shown, hidden, none):
        each.feed(wrapped)
    assert (shown.memory, hidden.memory, none.memory) == (64, 0, 0)
    assert len(hidden.lost) == len(none.lost) == 1
    sixels = b"\x1bPq#1;2;100;0;0#1!8~\x1b\\"
    for name, drawn in (("xterm-sixel-tmux-3.5a", 1), ("xterm-sixel-tmux-3.3a", 0), ("kitty-tmux-3.5a", 0)):
        screen = terminal(name)
        screen.feed(sixels)
        assert len(screen.sixel_pictures) == drawn


@pytest.mark.parametrize("name", NAMES)
def test_recorded_answers(name: str) -> None:
    """Asked as it was when it was recorded, in a terminal of that size, each answers that to the letter."""
    recording = recorded(name)
    screen = Terminal(recording, 100, 29 if recording.tmux else 30)
    for query, bytes_ in QUERIES.items():
        if query == "DECRQSS SGR":
            continue  # it depends on the colours of the moment
        answer = screen.feed(bytes_.encode()).decode("latin-1")
        assert answer == recording.replies.get(query, ""), query
        if recording.tmux and recording.passthrough:
            wrapped = "\x1bPtmux;" + bytes_.replace("\x1b", "\x1b\x1b") + "\x1b\\"
            expected = recording.through_tmux.get(query, "")
            if query != "window pixels":  # the terminal outside is a line higher
                assert screen.feed(wrapped.encode()).decode("latin-1") == expected, query


def test_what_an_app_leaves_behind() -> None:
    screen = terminal()
    screen.feed(b"$ \x1b[?1049h\x1b[?1003h\x1b[?25l\x1b[H" + apc("a=t,f=100,i=4,q=2", png(noise(4, 4))) + b"x")
    assert not screen.usable and screen.memory == 64 and screen.text(0) == "x"
    screen.feed(b"\x1b[?1003l\x1b[?25h\x1b[?1049l")
    assert screen.usable and screen.memory == 64 and screen.text(0) == "$"
    screen.feed(b"\x1b_Gi=4,a=d,d=I")
    assert not screen.usable and screen.pending


ECHO = """
import sys, termios, tty
tty.setraw(0)
print("ready", end="", flush=True)
while key := sys.stdin.buffer.raw.read(1):
    if key == b"q": break
    sys.stdout.buffer.write(key * 20000); sys.stdout.flush()
"""


def test_a_program_over_a_slow_link() -> None:
    """A round trip of 80 ms and 1600 kbit/s: 20,000 bytes take 100 ms and more; nothing is lost on the way."""
    command = [sys.executable, "-c", ECHO]
    with AppRun(command, recorded("mute"), 100, 30, round_trip=0.08, kbit=1600) as run:
        run.wait_for("ready")
        frame = run.press(b"a")
        assert frame.data == b"a" * 20000
        assert frame.first >= 0.08 and frame.last >= 0.18
        held = run.hold(b"b", 5, 0.01)
        assert held.data == b"b" * 100_000 and held.last >= 0.5
        run.type(b"q")
        assert run.wait() == 0 and run.terminal.usable


def test_a_program_asks_its_terminal() -> None:
    program = "import sys,tty; tty.setraw(0); print(end='\\x1b[?u\\x1b[c', flush=True); print(repr(sys.stdin.read(12)))"
    with AppRun([sys.executable, "-c", program], recorded("kitty")) as run:
        assert run.wait() == 0
        assert run.terminal.text(0) == r"'\x1b[?0u\x1b[?62;c'"
    asks = next(asked for asked in recorded("kitty-tmux-3.5a").tmux_answers if asked.startswith("display"))
    with AppRun(
        ["sh", "-c", f"tmux -V; tmux display -p {shlex.quote(asks[11:])}"], recorded("kitty-tmux-3.5a"), 160
    ) as run:
        assert run.wait() == 0
        assert run.terminal.text(0) == "tmux 3.5a" and run.terminal.text(1).startswith("xterm-kitty|")

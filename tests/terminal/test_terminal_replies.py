"""The sieve: whatever a terminal answers, however it is cut, only keys come through, and all of them."""

from __future__ import annotations

import numpy as np
import pytest
from terminal_model import NAMES, recorded

from fer_tui.terminal.facts import Answers
from fer_tui.terminal.replies import Sieve

ASKED = (
    "kitty graphics", "XTVERSION", "colour registers", "sixel geometry", "cell pixels", "window pixels",
    "DECRQSS SGR", "DSR", "DA1",
)  # fmt: skip
KEYS = (
    "jä漢\x1b[A\x1bOP\x1bP\x1b_\x1b[3~\x1b[<35;4;5M\x1b[97;5u"  # letters, arrows, Alt, mouse, kitty's keyboard
    "\x1b[?2026;2$y\x1b[48;40;120;680;960t\x1b[200~4;5t\x1b[201~q"  # what Textual asked for, and a paste
)


def answers(name: str) -> bytes:
    return "".join(recorded(name).replies.get(query, "") for query in ASKED).encode("latin-1")


def sieved(parts: list[bytes], pause: float = 0.0) -> bytes:
    """The keys of what came in parts, each so many seconds after the one before."""
    sieve, now, keys = Sieve(), 0.0, b""
    for part in parts:
        now += pause
        found, _ = sieve.feed(part, now)
        keys += found + sieve.late(now)
    return keys + sieve.late(now + 9)


@pytest.mark.parametrize("name", NAMES)
def test_keys_come_through_and_answers_do_not(name: str) -> None:
    rng = np.random.default_rng(0)
    keys, said = KEYS.encode(), answers(name)
    assert sieved([keys + said + keys]) == keys + keys
    assert sieved([bytes([byte]) for byte in keys + said + keys]) == keys + keys
    data = keys + said + keys + said
    for _ in range(200):
        cuts = np.sort(rng.integers(0, len(data), rng.integers(1, 12))).tolist()
        parts = [data[start:stop] for start, stop in zip([0, *cuts], [*cuts, len(data)], strict=True)]
        assert sieved(parts, pause=0.01) == keys + keys


def test_an_answer_that_comes_slowly_is_no_key() -> None:
    said = b"\x1bP>|kitty(0.41.1)\x1b\\\x1b_Gi=31;OK\x1b\\\x1b[?62;c"
    for cut in (4, 9, 25, 33, 42):
        assert sieved([said[:cut], said[cut:]], pause=0.9) == b""


def test_escape_and_alt_are_not_held_for_long() -> None:
    for keys in (b"\x1b", b"\x1bP", b"\x1b_", b"\x1b["):
        sieve = Sieve()
        assert sieve.feed(keys, 1.0) == (b"", [])
        assert sieve.holds and sieve.late(1.02) == b""
        assert sieve.late(1.06) == keys and not sieve.holds


def test_what_never_ends_is_given_back() -> None:
    sieve = Sieve()
    keys, _ = sieve.feed(b"\x1b_G" + b"x" * 5000, 0.0)
    assert keys == b"\x1b_G" + b"x" * 5000


def heard(name: str) -> Answers:
    _, replies = Sieve().feed(answers(name), 0.0)
    return Answers().with_replies(replies, (100, 30))


def test_answers_are_understood() -> None:
    kitty, xterm, foot, mute = (heard(name) for name in ("kitty", "xterm-sixel", "foot", "mute"))
    assert kitty.name == "kitty(0.41.1)" and kitty.kitty and kitty.true_colour and kitty.cell == (8, 17)
    assert xterm.name == "XTerm(379)" and not xterm.kitty and 4 in xterm.attributes
    assert (xterm.registers, xterm.largest, xterm.cell) == (256, (800, 510), (0, 0))
    assert foot.registers == 1024 and foot.cell == (8, 17) and foot.true_colour
    assert heard("xterm").registers == 0 and heard("xterm").complete
    assert not mute.complete and mute == Answers()

"""Messages survive the way through a stream, and a stream that is not ours is refused."""

from __future__ import annotations

import asyncio
import io

import pytest

from fer_tui.contract import Axis, Description, Layer, ParameterInfo, Place
from fer_tui.engine import wire
from fer_tui.engine.messages import (
    Answer,
    Cancel,
    ClassifierOpened,
    DatasetOpened,
    Described,
    Done,
    Explain,
    Failed,
    Focused,
    MeasureFocus,
    Message,
    Narration,
    Open,
    Predictions,
    Quit,
)
from fer_tui.engine.settings import Settings
from fer_tui.regions import ClassFocus, Estimate, FocusTable, Group, RegionFocus, Relation

DESCRIPTION = Description(
    name="lens",
    title="Lens",
    help="Looks.",
    version="2.1",
    kind="gallery",
    cost="slow",
    needs_dataset=True,
    parameters=(
        ParameterInfo("view", "str", "a", choices=("a", "b"), aliases={"c": "b"}),
        ParameterInfo("k", "float", 0.5, low=0.0),
    ),
    axes=frozenset({Axis.LAYER, Axis.FILTER}),
    axes_by=("view", {"b": frozenset({Axis.IMAGE})}),
    needs_dataset_by=("view", {"b": False}),
    aliases={"glass": {"view": "b", "k": 0.25}},
    distribution="lens-kit",
)
MOUTH = RegionFocus("mouth", 3, Estimate(0.5, 0.25, 0.75), None, 0.125, Estimate(4.0))
CLASS = ClassFocus("a", 0.5, Group(3, (MOUTH,), MOUTH), None, Group(1, (MOUTH,), MOUTH))
MESSAGES: list[Message] = [
    Open(Settings(weights=("a.pt", "b.pt"), mean=(0.1, 0.2, 0.3), size=(48, 64)).to_dict(), {"x": "hangs"}),
    Explain(3, "saliency", {"seed": 1, "signed": True, "k": 0.25}, Place(image=5, target=2, layer="a.b"), urgent=False),
    MeasureFocus(4, "cam", {"variant": "grad"}, Place(layer="a.b", checkpoint=1), "layout", 20),
    Focused(4, 0.0, None),
    Focused(
        4,
        1.0,
        FocusTable(
            "true class",
            (CLASS, ClassFocus("b", None, None, None, None)),
            CLASS,
            None,
            Relation(0.5, 0.25, 7, True),
            0.5,
            None,
            2,
        ),
    ),
    Cancel(3),
    Quit(),
    Narration("reading", None),
    DatasetOpened("/x/y", None, 12, ("gray", "48x48")),
    ClassifierOpened(
        "net",
        ("a", "\x1b[b"),
        (1, 48, 48),
        (Layer("conv", "Conv2d", (8, 48, 48), 8, 72),),
        ("w.pt",),
        ("00ff",),
        "cpu",
        modules=(Layer("list", "ModuleList", (), 0, 72), Layer("conv", "Conv2d", (8, 48, 48), 8, 72)),
    ),
    Described((DESCRIPTION,), {"bad": "raised"}),
    Answer(3, "ab", Place(target=1), True, None, 0.5, b"\x00" * 1000),
    Predictions(512, 0, bytes(range(256))),
    Done(3, True),
    Failed(None, "no", "trace\nback"),
]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda m: type(m).__name__)
def test_round_trip(message: Message) -> None:
    assert wire.read(io.BytesIO(wire.encode(message))) == message


async def test_one_stream_of_all() -> None:
    reader = asyncio.StreamReader()
    reader.feed_data(b"".join(map(wire.encode, MESSAGES)))
    reader.feed_eof()
    assert [await wire.read_async(reader) for _ in MESSAGES] == MESSAGES
    with pytest.raises(asyncio.IncompleteReadError):
        await wire.read_async(reader)


def test_settings_come_back_as_they_were() -> None:
    settings = Settings(data="x", weights=("a", "b"), mean=(0.5,), size=(1, 2), classes=("u", "v"), model_args={"c": 3})
    message = wire.read(io.BytesIO(wire.encode(Open(settings.to_dict()))))
    assert isinstance(message, Open) and message.settings is not None
    assert Settings.from_dict(message.settings) == settings


def test_a_cut_stream_ends_and_a_foreign_one_is_refused() -> None:
    frame = wire.encode(MESSAGES[1])
    assert wire.read(io.BytesIO(frame[:-1])) is None
    with pytest.raises(ValueError, match="out of step"):
        wire.read(io.BytesIO(b"GET / HTTP/1.1\r\n\r\n"))
    with pytest.raises((ValueError, AttributeError)):
        wire.read(io.BytesIO(frame.replace(b'"Explain"', b'"dataclass"'.replace(b"dataclass", b"Mapping"))))

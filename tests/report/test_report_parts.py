"""Drawings in every format, the choice of images, the tests of differences, the page's escapes."""

from __future__ import annotations

import base64
import itertools
import math
import re
import zlib
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from fer_tui.contract import Matrix
from fer_tui.engine.means import levelled
from fer_tui.picture.lettering import font, width_of
from fer_tui.regions.table import ClassFocus, Estimate, FocusTable, Group, RegionFocus
from fer_tui.report.asked import Asked
from fer_tui.report.choosing import Predictions, chosen
from fer_tui.report.comparing import compared
from fer_tui.report.drawing import RED, Drawing, Fill, Frame, Raster, Text
from fer_tui.report.figures import numbered
from fer_tui.report.findings import Finding
from fer_tui.report.html import html
from fer_tui.report.making import on_page
from fer_tui.report.manifest import Manifest, digest_of
from fer_tui.report.markdown import markdown
from fer_tui.report.means import Likeness
from fer_tui.report.page import Figure, Figures, Findings, Page, Section, Table
from fer_tui.report.painting import FORMATS, encoded, painted
from fer_tui.report.plots import confusion_figure, recall_figure
from fer_tui.report.statistics import binomial_tail, differences, expected_mistakes, labels_p


def drawing() -> Drawing:
    made = Drawing(120, 80, "two & <three>")
    made.put(Raster((10, 20, 40, 40), Image.new("RGB", (4, 4), (0, 200, 0))), Frame((10, 20, 40, 40), RED, 3))
    made.put(Text(60, 30, "a (b) <c> \\ é"), Text(110, 70, "up", upwards=True))
    return made


def test_one_drawing_in_every_format() -> None:
    files = {form: encoded(drawing(), form) for form in FORMATS}
    assert files == {form: encoded(drawing(), form) for form in FORMATS}  # the same every time
    pixels = np.asarray(painted(drawing()))
    assert pixels.shape == (160, 240, 3)
    assert tuple(pixels[80, 60]) == (0, 200, 0) and tuple(pixels[80, 15]) == RED and tuple(pixels[2, 2]) == (255,) * 3
    root = ElementTree.fromstring(files["svg"])
    space = "{http://www.w3.org/2000/svg}"
    assert [each.text for each in root.iter(f"{space}text")] == ["a (b) <c> \\ é", "up"]
    assert root.find(f"{space}title") is not None and len(list(root.iter(f"{space}image"))) == 1
    pdf = files["pdf"]
    assert pdf.startswith(b"%PDF-1.4") and b"(a \\(b\\) <c> \\\\ \xe9) Tj" in pdf and b"CreationDate" not in pdf
    table = int(pdf.rsplit(b"startxref\n", 1)[1].split()[0])
    places = [int(line.split()[0]) for line in pdf[table:].splitlines()[3:] if line.endswith(b" n ")]
    assert all(pdf[place:].startswith(b"%d 0 obj" % number) for number, place in enumerate(places, 1))
    data = pdf[places[5] :].split(b"stream\n", 1)[1]
    assert zlib.decompressobj().decompress(data) == bytes((0, 200, 0)) * 16


@pytest.mark.parametrize("count", [1, 2, 3, 7, 30, 31, 100])
def test_the_confusion_of_any_number_of_classes_is_whole(count: int) -> None:
    names = tuple(f"c{number}" for number in range(count))
    drawing = confusion_figure(Matrix(counts=np.eye(count, dtype=np.int64), classes=names))
    title = next(item for item in drawing.items if isinstance(item, Text))
    assert title.text.startswith("Confusion: ") and "..." not in title.text
    for item in drawing.items:
        if isinstance(item, Text) and not item.upwards and item.anchor == "lt":
            assert item.x + width_of(item.text, font(item.size)) <= drawing.width
        elif isinstance(item, Fill | Raster):
            left, top, wide, tall = item.box
            assert left >= 0 and left + wide <= drawing.width and top + tall <= drawing.height


def verified(tmp_path: Path, name: str, before: bytes, now: bytes) -> list[tuple[str, bool]]:
    (tmp_path / name).write_bytes(before)
    manifest = Manifest.of(Asked(), {}, {name: before})
    return [(each.told, each.near) for each in compared(tmp_path, manifest, {name: now})]


def test_what_differs_is_told_by_what_is_seen_not_by_bytes(tmp_path: Path) -> None:
    def drawn(shade: int, text: str) -> Drawing:
        made = Drawing(60, 60)
        made.put(Raster((0, 0, 40, 40), Image.new("RGB", (4, 4), (shade, 90, 90))), Text(9, 50, text))
        made.put(Fill((40, 0, 9, 9), (shade, 0, 0)))
        return made

    for form in FORMATS:
        files = [encoded(drawn(*each), form) for each in ((90, "0.500"), (93, "0.502"), (160, "0.502"), (90, "half"))]
        name = f"figure.{form}"
        assert verified(tmp_path, name, files[0], files[0]) == []
        ((told, near),) = verified(tmp_path, name, files[0], files[1])
        assert near and "of 255" in told and (form in ("jpg", "png") or "numbers differ, by 0.0" in told), told
        ((_, near),) = verified(tmp_path, name, files[0], files[2])
        assert not near, form
        if form in ("svg", "pdf"):
            assert verified(tmp_path, name, files[0], files[3]) == [("its words differ", False)]
    page = [
        b'<p>p = %s</p><img src="data:image/png;base64,%s">' % (p, base64.b64encode(encoded(drawn(shade, ""), "png")))
        for p, shade in ((b"0.050", 90), (b"0.052", 91), (b"0.300", 90), (b"0.050", 200))
    ]
    found = [verified(tmp_path, "report.html", page[0], each)[0] for each in page[1:]]
    assert [near for _, near in found] == [True, False, False]
    assert found[1][0] == "1 numbers differ, by 0.25 at most" and found[2][0].startswith("1 pictures or colours differ")
    assert verified(tmp_path, "report.md", b"a 1", b"b 1") == [("its words differ", False)]
    (tmp_path / "a").write_bytes(b"")
    gone = compared(tmp_path, Manifest.of(Asked(), {}, {"a": b""}), {"b": b""})
    assert [each.told for each in gone] == ["is not made any more", "is new"]


def test_the_framed_are_numbered_down_each_column() -> None:
    assert numbered([0, 11, 10, 3], columns=10) == {0: 1, 10: 2, 11: 3, 3: 4}


def predictions() -> Predictions:
    labels = np.array([0, 0, 0, 0, 1, 1, -1, 0])
    predicted = np.array([0, 0, 0, 1, 0, 0, 1, -1])
    sure = np.array([0.6, 0.9, 0.7, 0.2, 0.3, 0.1, np.nan, np.nan])
    return Predictions(("a", "b", "c"), labels, predicted, sure, True)


def test_the_choice_of_images() -> None:
    known = predictions()
    rows = {rule: [(each.row, each.target) for each in chosen(known, rule, 3)] for rule in ("best", "median", "worst")}  # type: ignore[arg-type]
    assert rows == {"best": [(1, 0), (4, 1)], "median": [(2, 0), (4, 1)], "worst": [(3, 1), (5, 0)]}
    best = chosen(known, "best", 0)
    assert best[1].remark == "no image of this class is predicted rightly" and not best[0].remark
    drawn = [chosen(known, "random", seed)[0].row for seed in range(20)]
    assert set(drawn) == {0, 1, 2} and drawn == [chosen(known, "random", seed)[0].row for seed in range(20)]
    assert [(e.number, e.row, e.listed, e.target) for e in chosen(known, (6, 3), 0)] == [(0, 6, -1, 1), (1, 3, 0, 1)]


def test_differences_are_found_where_they_are_and_only_there() -> None:
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(4), 30)
    values = rng.normal(size=(120, 6))
    values[:, 2] += labels * 0.5
    values[:, 5] = 3.0
    found = differences(values, labels, 0)
    assert found is not None and found.p[2] < 0.01 and (np.delete(found.p, 2) > 0.05).all() and np.isnan(found.f[5])
    groups = [values[labels == k, 2] for k in range(4)]
    within = sum(((g - g.mean()) ** 2).sum() for g in groups) / 116
    between = sum(30 * (g.mean() - values[:, 2].mean()) ** 2 for g in groups) / 3
    assert found.f[2] == pytest.approx(between / within)
    without = [differences(rng.normal(size=(60, 8)), np.repeat([0, 1, 2], 20), seed) for seed in range(10)]
    assert sum(each is not None and each.least_p <= 0.05 for each in without) <= 2
    assert differences(values, np.zeros(120, np.int64), 0) is None


def test_chance() -> None:
    labels = np.repeat([0, 1], 50)
    assert labels_p(labels, labels, 0) < 0.001 < 0.05 < labels_p(labels, np.tile([0, 1], 50), 0)
    assert binomial_tail(3, 5, 0.3) == pytest.approx(sum(math.comb(5, k) * 0.3**k * 0.7 ** (5 - k) for k in (3, 4, 5)))
    alike = np.array([[50, 20, 10], [20, 50, 10], [30, 30, 50]])
    fitted = expected_mistakes(alike)
    wrong = alike - np.diag(np.diag(alike))
    assert fitted.sum(0) == pytest.approx(wrong.sum(0)) and fitted.sum(1) == pytest.approx(wrong.sum(1))
    assert fitted == pytest.approx(wrong, abs=0.5)  # these mistakes go alike


def test_likeness_tells_the_image_from_the_class() -> None:
    from fer_tui.contract import Heatmap

    rng = np.random.default_rng(1)
    found = Likeness()
    for _ in range(20):
        image = np.zeros((6, 6), np.uint8)
        values = rng.normal(size=(6, 6)).astype(np.float32)
        found.add(0, Heatmap(values=values, image=image), Heatmap(values=-2 * values, image=image))
    assert found.same == pytest.approx([1] * 19) and abs(np.mean(found.other)) < 0.2
    assert levelled(np.zeros((2, 2), np.float32)) is None
    scaled = levelled(np.array([[1e38, -3e38], [np.nan, 0]], np.float32))
    assert scaled is not None and np.abs(scaled).mean() == pytest.approx(1)


def test_class_names_never_become_markup() -> None:
    name = "<b>x</b> | *y* \x1b[31m"
    blocks = [
        Table(name, (name, "n"), [(name, "1")]),
        Figures([Figure("f.png", name, name)]),
        Findings([Finding(name, True), Finding("nothing", False)]),
    ]
    page = Page(name, [Section(name, blocks)])  # type: ignore[arg-type]
    written = html(page, {"f.png": b"png"})
    assert "<b>" not in written and "\x1b" not in written and 'alt="&lt;b&gt;x' in written
    assert re.search(r'<li class="no"><span class="mark">Not shown:</span> nothing', written)
    text = markdown(page)
    assert "\\<b\\>" in text and "\\*y\\*" in text and "\x1b" not in text and "| 1 |" in text
    assert digest_of(b"a") != digest_of(b"b")


def test_a_page_of_many_images_takes_what_is_smallest() -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (400, 400, 3), dtype=np.uint8))
    large = Drawing(400, 400)
    large.put(Raster((0, 0, 400, 400), noise))
    for each, magic in ((drawing(), b"<svg"), (large, b"\xff\xd8")):
        shown = on_page(each, "jpg", encoded(each, "jpg"), many=True)
        assert shown.startswith(magic) and len(shown) < len(encoded(each, "jpg"))


def test_classes_of_one_recall_can_be_told_apart() -> None:
    inside = RegionFocus("inside", 9, Estimate(0.5, 0.4, 0.6), None, 0.5, None)
    group = Group(9, (inside,), inside)
    recalls = {"a": 0.9, "b": 1.0, "c": 1.0, "d": 1.0, "e": 0.995}
    classes = tuple(ClassFocus(name, recall, group, None, None) for name, recall in recalls.items())
    made = recall_figure(FocusTable("true class", classes, None, None, None, None, None))
    assert made is not None
    names = [item for item in made.items if isinstance(item, Text) and item.text[0] in recalls and " " in item.text[:2]]
    assert [each.text for each in names] == ["b 1.00", "c 1.00", "d 1.00", "e 0.99", "a 0.90"]
    heights = [each.y for each in names]
    assert all(after - before >= 12 for before, after in itertools.pairwise(heights))
    assert any("classes of like recall" in item.text for item in made.items if isinstance(item, Text))

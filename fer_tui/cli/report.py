"""fer-tui report: the homework's figures and a page of findings, in one folder, the same every time."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fer_tui.contract import InputError, nearest

from . import flags, looks, streams
from .guests import add_guests, guests_of
from .progress import Narrator

if TYPE_CHECKING:
    from fer_tui.engine import Session, Settings
    from fer_tui.regions import Regions
    from fer_tui.report import Asked, Difference, Made, Manifest

EXAMPLES = (
    "fer-tui report train.csv -o OUT --model nets.py:Net --weights net.pt",
    "fer-tui report -o OUT                          the bundled network on the samples",
    "fer-tui report -o OUT --with gradcam --with saliency:variant=smoothgrad   sections of these explainers, too",
    "fer-tui report train.csv --verify OUT --model nets.py:Net --weights net.pt",
)
_RULES, _FORMATS = ("best", "median", "random", "worst"), ("jpg", "png", "svg", "pdf")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    flags.add_data(parser)
    where = parser.add_argument_group("where to")
    where.add_argument("-o", "--out", metavar="OUT", type=Path, help="the folder to write into, made where it is not")
    where.add_argument("--force", action="store_true", help="write into OUT also where it holds other files")
    where.add_argument("--verify", metavar="OUT", type=Path, help="make the report in OUT again: what differs?")
    what = parser.add_argument_group("what to show")
    what.add_argument(
        "--images", metavar="|".join((*_RULES, "ROWS")), type=flags.typed(_images), default="best",
        help="of each class the best classified, the median, a random right one, the worst mistake; or rows (best)",
    )  # fmt: skip
    what.add_argument(
        "--format", metavar="|".join(_FORMATS), type=flags.typed(_format), default="jpg", help="of figures"
    )
    what.add_argument("--deep", action="store_true", help="means of five times as many images, all samples of LIME")
    what.add_argument("--layer", metavar="L", help="the layer whose filters are shown")
    what.add_argument("--checkpoint", metavar="N", type=flags.typed(flags.whole), help="which of several weights")
    what.add_argument("--seed", metavar="S", type=flags.typed(flags.whole), default=0, help="of all that is drawn (0)")
    add_guests(what)
    looks.add_regions(what, default="auto")
    flags.add_settings(parser)


def run(arguments: argparse.Namespace) -> int:
    from fer_tui.report import Asked, Manifest, check_folder, fill

    if (arguments.out is None) == (arguments.verify is None):
        raise flags.UsageError("error: name the folder with -o OUT, or with --verify OUT one that holds a report")
    settings = flags.settings_of(arguments).settings
    if arguments.verify is not None:
        manifest = Manifest.read(arguments.verify)
        if manifest is None:
            raise InputError(arguments.verify, "holds no finished report", "make one with -o")
        return _verify(arguments, manifest)
    check_folder(arguments.out, 1, force=arguments.force)
    asked = Asked(
        images=arguments.images,
        seed=arguments.seed,
        form=arguments.format,
        deep=arguments.deep,
        layer=arguments.layer,
        regions=arguments.regions,
        checkpoint=arguments.checkpoint,
        guests=guests_of(arguments.guests, settings),
    )
    with Narrator() as tell:
        from fer_tui.engine import open_session

        with open_session(settings, tell) as session:
            check_folder(arguments.out, len(session.classifier.classes), force=arguments.force)
            made = _made(session, asked, settings.data, tell, settings=settings)
    fill(arguments.out, made.files)
    for note in session.notes:
        streams.say(note)
    found = [(section.title, section.findings) for section in made.page.sections if section.findings]
    if arguments.json:
        told = {title: [each.to_dict() for each in findings] for title, findings in found}
        streams.put_json({"folder": str(arguments.out), "files": sorted(made.files), "findings": told})
        return 0
    for title, findings in found:
        streams.put(title)
        for each in findings:
            streams.put(f"  {'shown:    ' if each.holds else 'not shown:'} {each.text}")
    streams.say(f"written: {len(made.files)} files in {arguments.out} (report.html, report.md, report.json)")
    return 0


def _verify(arguments: argparse.Namespace, manifest: Manifest) -> int:
    """0 where the report is as it would be made now, to the byte or within the tolerance, else 1 and what differs."""
    from fer_tui.report import Asked, Difference, changed, compared, inputs_of, versions_here

    out, settings = arguments.verify, flags.settings_of(arguments).settings
    found, anew = list(changed(out, manifest)), False
    if not found:
        asked = dataclasses.replace(Asked.from_dict(dict(manifest.asked)), regions=arguments.regions)
        with Narrator() as tell:
            from fer_tui.engine import open_session

            with open_session(settings, tell) as session:
                inputs = inputs_of(session, asked, _regions(asked.regions, settings.data, session))
                others = [name for name in ("network", "data", "regions") if inputs[name] != manifest.inputs.get(name)]
                found = [Difference(name, "not what the report was made from") for name in others]
                if not found:
                    made = _made(session, asked, settings.data, tell, stored=False, settings=settings)
                    found, anew = list(compared(out, manifest, made.files)), True
    here = versions_here(Asked.from_dict(dict(manifest.asked)).guests)
    versions = {name: [was, here[name]] for name, was in manifest.versions.items() if here.get(name, was) != was}
    faults, near = [each for each in found if not each.near], [each for each in found if each.near]
    if arguments.json:
        told = {"identical": not found, "differs": list(map(str, faults)), "near": list(map(str, near))}
        streams.put_json({"folder": str(out), **told, "versions": versions})
    else:
        _tell(out, len(manifest.files) if anew else 0, faults, near, versions)
    return 1 if faults else 0


def _tell(
    out: Path, count: int, faults: Sequence[Difference], near: Sequence[Difference], versions: Mapping[str, list[str]]
) -> None:
    """What was found, file by file, then of all in one line. count: of the files, 0 where they were not made anew."""
    from fer_tui.report import TOLERANCE_TOLD

    for each in near:
        streams.put(f"near: {each}")
    for each in faults:
        streams.put(f"differs: {each}")
    for name, (was, now) in versions.items():
        streams.put(f"{name} was {was} then, and is {now} here")
    if not count:
        return
    if not faults and not near:
        streams.put(f"{out}: all {count} files are as they would be made now, byte by byte")
    elif not faults:
        same = f"{count - len(near)} of {count} files are as they would be made now byte by byte"
        streams.put(f"{out}: {same}, {len(near)} within the tolerance ({TOLERANCE_TOLD})")
    else:
        streams.put(f"{out}: {len(faults)} of {count} files differ by more than the tolerance ({TOLERANCE_TOLD})")


def _made(
    session: Session,
    asked: Asked,
    data: str | None,
    tell: Narrator,
    *,
    stored: bool = True,
    settings: Settings | None = None,
) -> Made:
    from fer_tui.report import Made, made

    regions = _regions(asked.regions, data, session)
    for step in _steps(made(session, asked, regions, stored=stored, settings=settings), tell):
        if isinstance(step, Made):
            return step
    raise RuntimeError("the report ended without a result")


def _steps(steps: Iterator[tuple[str, float] | Made], tell: Narrator) -> Iterator[tuple[str, float] | Made]:
    for step in steps:
        if isinstance(step, tuple):
            tell(step[0], step[1], whole=True)
        yield step


def _regions(spec: str, data: str | None, session: Session) -> Regions | None:
    """The regions that are asked for; None where "auto" knows of none."""
    from fer_tui.regions import known_regions, open_regions

    if spec == "auto" and known_regions(data, session.dataset) is None:
        return None
    regions = open_regions(spec, data, session.dataset)
    regions.check_rows(len(session.dataset), limited=session.dataset.limit is not None)
    return regions


def _images(given: object) -> str | tuple[int, ...]:
    from .focus import rows_of

    text = str(given)
    if text in _RULES:
        return text
    try:
        return rows_of(text)
    except ValueError:
        raise ValueError(f"{text!r} is none of {', '.join(_RULES)}, and no rows{nearest(text, _RULES)}") from None


def _format(given: object) -> str:
    if given not in _FORMATS:
        raise ValueError(f"{given!r} is none of {', '.join(_FORMATS)}{nearest(str(given), _FORMATS)}")
    return str(given)

"""fer-tui explain: one explanation, shown in the terminal, written to a file, or as JSON."""

from __future__ import annotations

import argparse
import dataclasses
import os
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fer_tui.contract import Axis, Explanation, Heatmap, InputError, Place, PluginError, Result, nearest, plain

from . import asked, flags, looks, narrowed, streams, which
from .contrasts import check_contrast, contrast_told, of_cell
from .explain_average import add_average, check_average, explain_average
from .explain_where import Many, check_many, explain_where
from .lasting import Lasting
from .progress import Narrator

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from fer_tui.contract import Description, Value
    from fer_tui.dataset import MappedDataset
    from fer_tui.dataset.faces import Face
    from fer_tui.engine import Session, Settings
    from fer_tui.picture import Look
    from fer_tui.regions import Focus

    Image = NDArray[np.uint8]

EXAMPLES = (
    "fer-tui explain saliency --image photo.jpg --face",
    "fer-tui explain saliency --where marked -o maps   the images that are marked in the explorer",
    "fer-tui explain cam --average predicted -o means  the mean map of each predicted class",
    "fer-tui explain confusion --data fer2013.csv --split PublicTest --model nets.py:Net --weights net.pt -o c.png",
)
SUFFIXES = (".png", ".npz", ".json")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("method", metavar="METHOD", help="an explainer, by name or alias (fer-tui plugins lists them)")
    place = parser.add_argument_group("where")
    whole = flags.typed(flags.whole)
    place.add_argument("--image", metavar="I", help="a row of the data, or a picture file (row 0 if absent)")
    narrowed.add_where(place)
    add_average(place)
    place.add_argument(
        "--face",
        metavar="N",
        nargs="?",
        const=0,
        type=flags.typed(flags.whole),
        help="find the face in the picture file and explain its crop; which one, from 1, where there are several",
    )
    told = "a class, by name or index (the predicted one if absent); with --where also several: predicted,true"
    place.add_argument("--target", metavar="C", help=told)
    place.add_argument("--against", metavar="C", help="another class: the target's map minus that class's")
    place.add_argument(
        "--cell",
        metavar="N",
        nargs="?",
        const=0,
        type=flags.typed(flags.whole),
        help="with --against the mean over N images (all, if no N) of class --against that are taken for --target",
    )
    place.add_argument("--layer", metavar="L", help="a layer, by name")
    place.add_argument("--filter", metavar="F", type=whole, help="a channel of the layer's output, from 0")
    which.add_checkpoint(place)
    how = parser.add_argument_group("how")
    asked.add_parameters(how)
    how.add_argument("--action", metavar="A", help="what the method does on request (fer-tui plugins METHOD lists it)")
    told = f"write it: {', '.join(SUFFIXES)}; with --where a folder"
    how.add_argument("-o", "--out", metavar="FILE", type=Path, help=told)
    how.add_argument("--trust", action="store_true", help="also find out how far the map can be trusted")
    how.add_argument("--fresh", action="store_true", help="make it again, also where it is stored")
    how.add_argument("--words", action="store_true", help="tell it in words and numbers, without a picture")
    looks.add_look(parser)
    flags.add_settings(parser)


def run(arguments: argparse.Namespace) -> int:
    settings = flags.settings_of(arguments).settings
    _check(arguments)
    look = looks.look_of(arguments)
    description, values = asked.described(arguments.method, asked.parameters_of(arguments), settings)
    description = _for_action(description, arguments)
    if description.kind == "heatmap" and description.name in settings.colours and arguments.against is None:
        look["colours"] = str(settings.colours[description.name].value)
    if _is_many(arguments):
        return _run_many(arguments, settings, description, values, look)
    axes, needs_dataset = description.axes_for(values), description.needs_dataset_for(values)
    with Narrator() as tell:
        from fer_tui.engine import open_session

        file = picture_file(arguments.image)
        if arguments.face is not None and file is None:
            raise flags.UsageError("error: --face finds a face in a picture file: name that with --image")
        image, found = picture_of(file, settings, arguments.face, tell) if file is not None else (None, None)
        alone = image is not None and settings.data is None and not needs_dataset
        opened = dataclasses.replace(settings, data=str(file)) if alone else settings
        session = open_session(settings, tell, dataset=_dataset_of(file, found, image, settings) if alone else None)
        image = None if alone else image
        row = 0 if alone else None if image is not None else row_of(arguments.image, session)
        place = _place(arguments, session, row)
        explanation, place = _make(session, arguments, description, place, values, image, tell)
    focus, labels = _focus(arguments.regions, opened, session, explanation, place, None if alone else row, image)
    if arguments.out is not None:
        _write(explanation, arguments.out, labels, look)
    if found is not None:
        streams.say(f"the face at {found} of {plain(file)}")
    for note in (*_remarks(arguments, axes), *session.notes):
        streams.say(note)
    words = focus.words() if focus else contrast_told(explanation, session.classifier.classes)
    if arguments.json:
        from .facts import facts

        told = facts(explanation, place, session.classifier.classes)
        streams.put_json({**told, "focus": focus.to_dict()} if focus is not None else told)
    elif arguments.words:
        streams.put("\n".join(_words(explanation, words)))
    elif arguments.out is None:
        from .show import show

        show(explanation, arguments.method, place, session.classifier.classes, look, words)
    elif focus is not None:
        streams.put(plain(words))
    return 0


def _is_many(arguments: argparse.Namespace) -> bool:
    return arguments.where is not None or arguments.average is not None


def _check(arguments: argparse.Namespace) -> None:
    """UsageError or InputError for flags that contradict one another, and for a file that could not be written."""
    if arguments.alike and arguments.average is None:
        raise flags.UsageError("error: --alike belongs to --average")
    if arguments.average is not None:
        check_average(arguments)
    elif arguments.where is not None:
        check_many(arguments)
    if arguments.out is not None and (not _is_many(arguments) or arguments.out.suffix.lower() in SUFFIXES):
        _check_out(arguments.out)
    check_contrast(arguments)


def _run_many(
    arguments: argparse.Namespace,
    settings: Settings,
    description: Description,
    values: Mapping[str, Value],
    look: Look,
) -> int:
    """One explanation of each of many images, or their mean."""
    from fer_tui.engine import open_session

    with Narrator() as tell, open_session(settings, tell) as session:
        place, engine = _place(arguments, session, None), session.engine()
        explain = explain_where if arguments.average is None else explain_average
        explain(Many(arguments, settings, description, values, place, engine, look, tell))
    for note in session.notes:
        streams.say(note)
    return 0


def _write(explanation: Explanation, out: Path, regions: NDArray[np.integer[Any]] | None, look: Look) -> None:
    """The file, and beside a picture its tables: the other kinds of files hold these themselves."""
    from fer_tui.picture import save, save_tables

    save(explanation, out, regions=regions, **look)
    tables = save_tables(explanation, out.with_suffix("")) if out.suffix.lower() == ".png" else ()
    streams.say(f"written: {', '.join(map(plain, (out, *tables)))}")


def _for_action(description: Description, arguments: argparse.Namespace) -> Description:
    """The explainer as it runs what is asked for. InputError: it has no such action; UsageError: flags contradict."""
    if arguments.action is not None and (arguments.trust or arguments.against is not None):
        raise flags.UsageError("error: --action goes with neither --trust nor --against")
    return description.for_action(arguments.action or "")


def _words(explanation: Explanation, regions: str) -> Iterator[str]:
    """The twin in words, the tables, what is told of regions, the notes."""
    from fer_tui.picture import in_words, tables_in_words

    yield from in_words(explanation)
    yield from tables_in_words(explanation)
    yield from map(plain, regions.splitlines())
    yield from (f"note: {plain(note)}" for note in explanation.notes)


def _focus(
    spec: str | None,
    settings: Settings,
    session: Session,
    explanation: Explanation,
    place: Place,
    row: int | None,
    image: Image | None,
) -> tuple[Focus | None, NDArray[np.integer[Any]] | None]:
    """The map's shares in the regions that were asked for, and each pixel's region (H, W).

    row: of the data, where the picture is one; else image.
    """
    if spec is None:
        return None, None
    from fer_tui.regions import focus, open_regions

    if not isinstance(explanation, Heatmap):
        raise InputError(
            f"--regions {spec}", f"a {explanation.kind} has no focus", "choose a method that makes heat maps"
        )
    picture = image if image is not None else session.dataset[row or 0].image
    regions = open_regions(spec, settings.data, session.dataset)
    if row is not None:
        regions.check_rows(len(session.dataset), limited=session.dataset.limit is not None)
    (height, width), (rows, columns) = picture.shape[:2], explanation.values.shape
    fit = which.network_at(session.classifier, place.checkpoint).fit
    weights = regions.weights((rows, columns), row=row, picture=(height, width), fit=fit)
    shares = focus(explanation, regions, row=row, picture=(height, width), fit=fit)
    return shares, weights.argmax(0)


def _place(arguments: argparse.Namespace, session: Session, row: int | None) -> Place:
    """What the flags say, checked: also what the explainer will not look at."""
    checkpoint = which.checkpoint_of(arguments, session.classifier)
    if arguments.layer is not None:
        filters = which.network_at(session.classifier, checkpoint).layer(arguments.layer).filters
        if arguments.filter is not None and arguments.filter >= filters:
            fault = f"layer {arguments.layer} has {filters} filters, counted from 0"
            raise InputError(f"--filter {arguments.filter}", fault)
    elif arguments.filter is not None:
        raise InputError(f"--filter {arguments.filter}", "of which layer?", "name it with --layer")
    classes = session.classifier.classes
    alone = arguments.target is not None and not _is_many(arguments)  # of many each row has its own
    target = asked.class_of(arguments.target, classes) if alone else None
    return Place(row, target, arguments.layer, arguments.filter, checkpoint)


def _remarks(arguments: argparse.Namespace, axes: frozenset[Axis]) -> Iterator[str]:
    """Flags that made no difference, and the image that nobody chose."""
    for axis in Axis:
        if axis not in axes and getattr(arguments, axis.value) is not None:
            yield f"{arguments.method} does not depend on the {axis.value}: --{axis.value} makes no difference"
    if Axis.IMAGE in axes and arguments.image is None and arguments.cell is None:
        yield "no --image is given: this is row 0"


def _make(
    session: Session,
    arguments: argparse.Namespace,
    description: Description,
    place: Place,
    parameters: Mapping[str, Value],
    image: Image | None,
    tell: Narrator,
) -> tuple[Explanation, Place]:
    """The finished explanation of `place`, and that place with its target."""
    if arguments.cell is not None:
        return of_cell(session, arguments, place, parameters, tell)
    engine, method = session.engine(), arguments.method
    task = engine.task(method, place, parameters, image, arguments.action or "")
    tell(method)
    from fer_tui.engine.contrasting import contrast

    found = None
    run: Callable[..., Generator[Result, None, None]]
    if arguments.against is not None:
        other = asked.class_of(arguments.against, session.classifier.classes, "--against")
        run = partial(contrast, engine, task, other)
    else:
        run = partial(engine.judge if arguments.trust else engine.run, task)
    lasting = Lasting(description, parameters, place)
    with closing(run(fresh=arguments.fresh)) as results:
        for result in results:
            tell(method, result.progress)
            if warning := lasting(result):
                streams.say(warning)
            if result.place == task.place:
                found = result.explanation
    if found is None:
        raise PluginError(method, "ended without a result for the place that was asked for")
    return found, task.place


def _check_out(out: Path) -> None:
    """Say now what would stop the file from being written after all the work."""
    if out.suffix.lower() not in SUFFIXES:
        fault = f"cannot be written as {out.suffix or 'a file without a suffix'}"
        raise InputError(out, fault, f"one of {', '.join(SUFFIXES)}{nearest(out.suffix, SUFFIXES)}")
    folder = out.parent
    if not folder.is_dir():
        raise InputError(out, f"there is no folder {folder}")
    if out.is_dir():
        raise InputError(out, "is a folder")
    if not os.access(folder, os.W_OK):
        raise InputError(out, f"folder {folder} cannot be written to")


def picture_file(image: str | None) -> Path | None:
    """The file that --image names, None where it is a row's number."""
    if image is None or (image.isascii() and image.lstrip("-").isdigit()):
        return None
    file = Path(image)
    if not file.is_file():
        raise InputError(
            f"--image {image}", "is neither a row's number nor a file", "count rows from 0, or name a picture"
        )
    return file


def picture_of(
    file: Path, settings: Settings, face: int | None = None, tell: Narrator | None = None
) -> tuple[Image, Face | None]:
    """The picture; with `face` the crop of that face (0: of the only one), and where it is."""
    from fer_tui.dataset import open_dataset

    picture = open_dataset(str(file), cache=settings.cache)[0].image
    if face is None:
        return picture, None
    from fer_tui.dataset.faces import chosen_face, crop_face

    if tell is not None:
        tell("looking for faces")
    found = chosen_face(picture, face or None, str(file))
    return crop_face(picture, found), found


def _dataset_of(file: Path | None, face: Face | None, image: Image | None, settings: Settings) -> MappedDataset:
    """The one picture, or the crop of its face, as the dataset that the network is opened for."""
    from fer_tui.dataset import open_dataset

    return open_dataset(str(file) if face is None else {"images": [image]}, cache=settings.cache)


def row_of(image: str | None, session: Session) -> int:
    row, rows = int(image or 0), len(session.dataset)
    if not 0 <= row < rows:
        raise InputError(f"--image {row}", "there is no such row", f"rows are 0 to {rows - 1}")
    return row

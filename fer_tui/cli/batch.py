"""fer-tui batch: many explanations ahead of time, into the store that the explorer reads."""

from __future__ import annotations

import argparse
import signal
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from fer_tui.amounts import duration, size
from fer_tui.contract import InputError, plain

from . import asked as asking
from . import crews, flags, narrowed, streams
from .batch_watch import Watch
from .cached import fault_of
from .progress import Narrator

if TYPE_CHECKING:
    from fer_tui.batch import Asked, Driver, Plan, State
    from fer_tui.batch.measuring import Measured
    from fer_tui.contract import Description, Value
    from fer_tui.engine import Engine, Settings, Stores

EXAMPLES = (
    "fer-tui batch saliency --data fer2013.csv --model nets.py:Net --weights net.pt   of what is predicted",
    "fer-tui batch cam --where 'true:fear pred:sad' --targets all --dry-run            how many, how long, how large",
    "fer-tui batch lime --checkpoints all --out maps                                   into a store of its own",
    "fer-tui batch lime --engine dask --scheduler ssh:gpu1,gpu2                        on other machines",
)
_INTERRUPTED = 130
_TOLD = 10  # places set aside that are named
_ROOM = 0.95  # of the store's limit


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("method", metavar="METHOD", help="an explainer, by name or alias (fer-tui plugins lists them)")
    which = parser.add_argument_group("which")
    narrowed.add_where(which)
    which.add_argument("--targets", metavar="T", help="predicted (if absent), true, all, or a class by name or index")
    which.add_argument(
        "--layers", metavar="L,...|all", type=_names, help="layers, by name (the method's own if absent)"
    )
    numbers = flags.typed(_numbers)
    which.add_argument("--filters", metavar="F,...|all", type=numbers, help="channels of each of these layers, from 0")
    which.add_argument("--checkpoints", metavar="N,...|all", type=numbers, help="which of several weights, from 0")
    asking.add_parameters(which)
    how = parser.add_argument_group("how")
    crews.add_crew(how)
    how.add_argument("--out", metavar="STORE", type=Path, help="a folder with a store of its own, without a limit")
    how.add_argument("--half", action="store_true", help="keep values of heat maps as float16, where that loses little")
    how.add_argument(
        "--dry-run",
        action="store_true",
        help="only tell how many are missing, how long, how large, from the first few, which are made",
    )
    how.add_argument("--events", action="store_true", help="how far it is, as lines of JSON on stdout")
    flags.add_settings(parser)


def run(arguments: argparse.Namespace) -> int:
    settings = flags.settings_of(arguments).settings
    description, values = asking.described(arguments.method, asking.parameters_of(arguments), settings)
    store = _store(arguments.out, settings)
    with closing(store), _Signals() as signals:
        with Narrator() as tell:
            from fer_tui.engine import Engine, Session
            from fer_tui.engine.session import open_data, open_network

            dataset = open_data(settings, tell)
            # this process only reckons with it: the workers have the GPUs
            session = Session(dataset, open_network(replace(settings, device="cpu"), dataset, tell), store)
            engine = Engine(session.classifier, dataset, store)
            wanted = _asked(arguments, description, values, engine)
        from fer_tui.batch import Driver

        folders = [str(each.path.parent) for each in store.all]
        driver = Driver(dataset, store, crews.hired(arguments, settings, session, folders))
        with closing(driver), signals.stopping(driver):
            job = _Job(driver, engine, description, wanted, store, arguments)
            return job.run()


class _Job:
    """One batch, from the predictions that it needs to its last words."""

    def __init__(
        self,
        driver: Driver,
        engine: Engine,
        description: Description,
        wanted: Asked,
        store: Stores,
        arguments: argparse.Namespace,
    ) -> None:
        self._driver, self._engine, self._description = driver, engine, description
        self._asked, self._store, self._arguments = wanted, store, arguments

    def run(self) -> int:
        """The exit code: 0 done, 1 something is set aside, 130 interrupted."""
        from fer_tui.batch.beforehand import look, predict
        from fer_tui.batch.measuring import measure, remembered

        driver, plan, measured = self._driver, None, None
        dry: bool = self._arguments.dry_run
        with Watch(events=self._arguments.events) as watch:
            watch.all(predict(driver, self._engine, self._predicted()))
            if not driver.stop:
                plan = self._plan()
                if dry and driver.has_any(plan):
                    watch.all(look(driver, plan.images))
                driver.begin(plan)
                measured = None if dry else remembered(driver, plan)
                if measured is None:
                    for state in measure(driver, plan):
                        watch(state)
                        self._check_room(state, remembered(driver, plan))
                    measured = remembered(driver, plan)
            if plan is not None and not driver.stop and not dry:
                self._check_room(driver.state(), measured)
                watch.all(driver.make(plan, measured.size if measured is not None else 1))
            watch.end()
        driver.flush()
        if driver.stop or plan is None:
            streams.say(f"interrupted: {driver.made:,} made and kept; the same command goes on with the rest")
            return _INTERRUPTED
        told = self._foreseen(plan, measured) if dry else self._done(plan, driver.state(done=True))
        if self._arguments.json:
            streams.put_json(told)
        return self._tell_aside()

    def _predicted(self) -> tuple[int, ...]:
        """The checkpoints under which the whole dataset is to be predicted first."""
        from fer_tui.batch.plan import axes_of, checkpoints_of, targets_of

        axes, classifier = axes_of(self._asked, self._description), self._engine.classifier
        checkpoints = checkpoints_of(self._asked, classifier)
        if targets_of(self._asked, axes) == "predicted" or self._description.kind == "matrix":
            return checkpoints
        where = self._asked.where
        return (self._of_rows,) if where and narrowed.asks_predictions(where, self._engine) else ()

    @property
    def _of_rows(self) -> int:
        """The checkpoint whose predictions the narrowing is about."""
        from fer_tui.batch.plan import checkpoints_of

        found = checkpoints_of(self._asked, self._engine.classifier)
        return found[0] if len(found) == 1 else self._engine.classifier.default

    def _plan(self) -> Plan:
        import numpy as np

        from fer_tui.batch import Plan
        from fer_tui.batch.beforehand import predicted

        assert self._engine.dataset is not None
        rows = np.arange(len(self._engine.dataset))
        if self._asked.where:
            with Narrator() as tell:
                rows = np.array(narrowed.rows_where(self._asked.where, self._engine, self._of_rows, tell).rows)
        known = lru_cache(maxsize=2)(partial(predicted, self._engine))
        plan = Plan(self._asked, self._description, self._engine, rows, known)
        if plan.unlabelled:
            streams.say(f"{plan.unlabelled:,} images have no label: they are left out")
        return plan

    def _check_room(self, state: State, measured: Measured | None) -> None:
        """InputError where the store would evict what the batch makes."""
        own = self._store.own
        if measured is None or own is None or own.limit is None:
            return
        left = state.missing * measured.bytes
        if own.usage().bytes + left > own.limit * _ROOM:
            fault = f"keeps {size(own.limit)}, and the batch makes {size(left)} more"
            raise InputError(own.path, fault, "name a store without a limit: --out FOLDER")

    def _foreseen(self, plan: Plan, measured: Measured | None) -> dict[str, Any]:
        """What a dry run tells."""
        missing = sum(map(len, self._driver.lacking(plan, measured.size if measured is not None else 256)))
        seconds = missing * measured.seconds / self._driver.width if measured is not None else 0.0
        amount = round(missing * measured.bytes) if measured is not None else 0
        made = f"{self._driver.made:,} made to measure, " if self._driver.made else ""
        words = f"{plan.method}: {plan.names}: {plan.total:,} in all, {made}{missing:,} missing"
        if missing and measured is not None:
            words += f", about {duration(seconds)} with {self._driver.width} workers, {size(amount)}"
        streams.say(words)
        return {"total": plan.total, "missing": missing, "seconds": round(seconds, 3), "bytes": amount}

    def _done(self, plan: Plan, last: State) -> dict[str, Any]:
        """What a run tells at its end."""
        there = max(0, plan.total - last.missing - last.made - last.aside)
        words = f"{plan.method}: {plan.names}: {last.made:,} made, {size(last.bytes)}"
        streams.say(words + (f", {there:,} were there" if there else ""))
        return {
            "total": plan.total,
            "missing": last.missing,
            "made": last.made,
            "bytes": last.bytes,
            "aside": [{**each.place.to_dict(), "reason": each.reason} for each in self._driver.aside],
        }

    def _tell_aside(self) -> int:
        aside, dataset = self._driver.aside, self._engine.dataset
        assert dataset is not None
        for each in aside[:_TOLD]:
            row = each.place.image
            where = f"row {row} ({plain(dataset.name_of(row))})" if row is not None else f"{each.place.to_dict()}"
            streams.say(f"set aside: {where}: {each.reason}")
        if len(aside) > _TOLD:
            streams.say(f"set aside: {len(aside) - _TOLD:,} more (--json names all)")
        return 1 if aside else 0


def _asked(
    arguments: argparse.Namespace, description: Description, values: Mapping[str, Value], engine: Engine
) -> Asked:
    """What the flags ask for. InputError: no such class."""
    from fer_tui.batch import Asked

    targets = arguments.targets
    words = ("predicted", "true", "all")
    if targets is not None and targets not in words:
        targets = asking.class_of(targets, engine.classifier.classes, "--targets", words)
    return Asked(
        description.name,
        values,
        arguments.where or "",
        targets,
        arguments.layers,
        arguments.filters,
        arguments.checkpoints,
        arguments.half,
    )


def _store(out: Path | None, settings: Settings) -> Stores:
    """The store that is written to, and those that are only read. InputError where it cannot be written to."""
    from fer_tui.engine import Store, Stores
    from fer_tui.engine.stores import folder_of

    stores = Stores.open(settings.cache, settings.stores)
    if out is not None:
        if stores.own is not None:
            stores.own.close()
        stores = Stores(Store.open(folder_of(str(out)), limit_bytes=None), stores.others)
    if stores.own is None:
        raise InputError("--cache none", "leaves no store to write to", "name one: --out FOLDER")
    if fault := fault_of(stores.own):  # it is off, or only read: another machine writes to it
        stores.close()
        raise InputError(stores.own.path, fault, "name another one: --out FOLDER")
    return stores


class _Signals:
    """SIGINT and SIGTERM: a driver that is at work is asked to stop, else they interrupt at once."""

    def __init__(self) -> None:
        self._driver: Driver | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> _Signals:
        with suppress(ValueError):  # not on the main thread
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._take)
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @contextmanager
    def stopping(self, driver: Driver) -> Iterator[None]:
        """Inside, a signal asks this driver to stop."""
        self._driver = driver
        try:
            yield
        finally:
            self._driver = None

    def _take(self, number: int, frame: FrameType | None) -> None:
        if self._driver is None:
            raise KeyboardInterrupt
        self._driver.stop = True


def _names(text: str) -> tuple[str, ...] | str:
    return "all" if text == "all" else tuple(dict.fromkeys(each.strip() for each in text.split(",")))


def _numbers(given: object) -> tuple[int, ...] | str:
    """ValueError where it is neither all nor whole numbers."""
    text = str(given).strip()
    return "all" if text == "all" else tuple(dict.fromkeys(flags.whole(each) for each in text.split(",")))

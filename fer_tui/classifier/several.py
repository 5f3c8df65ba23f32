"""Several networks on one checkpoint axis."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from fer_tui.contract import InputError

from .classifier import TorchClassifier


class Networks(TorchClassifier):
    """The first of several networks, with the weights of the others as further checkpoints.

    All have the same classes in the same order; architecture, preparation, layers and device are each one's own: those
    of `at(checkpoint)`. A run that grows gets its new checkpoints at the end, so that numbers never shift.
    """

    def __init__(self, networks: Sequence[TorchClassifier]) -> None:
        vars(self).update(vars(networks[0]))
        self._networks = tuple(networks)
        self._axis = [(n, local) for n, each in enumerate(networks) for local in range(len(each.checkpoints))]

    @property
    def networks(self) -> tuple[TorchClassifier, ...]:
        return self._networks

    @property
    def owners(self) -> tuple[int, ...]:
        return tuple(owner for owner, _ in self._axis)

    @property
    def names(self) -> tuple[str, ...]:
        """A name for each network; numbered where two have the same."""
        counts = Counter(each.name for each in self._networks)
        return tuple(
            f"{each.name} {number}" if counts[each.name] > 1 else each.name
            for number, each in enumerate(self._networks, 1)
        )

    @property
    def notes(self) -> tuple[str, ...]:
        named = zip(self.names, self._networks, strict=True)
        return tuple(f"{name}: {note}" for name, each in named for note in each.notes)

    @property
    def checkpoints(self) -> tuple[str, ...]:
        """The network's name and that of the weights; one of them where both are the same."""
        found = []
        for owner, local in self._axis:
            name, weights = self.names[owner], self._networks[owner].checkpoints[local]
            found.append(name if weights == self._networks[owner].name else f"{name} {weights}")
        return tuple(found)

    @property
    def digests(self) -> tuple[str, ...]:
        known = [each.digests for each in self._networks]
        return tuple(known[owner][local] for owner, local in self._axis)

    def default_of(self, network: int) -> int:
        if not 0 <= network < len(self._networks):
            known = ", ".join(f"{number}: {name}" for number, name in enumerate(self.names))
            raise InputError(f"network {network}", "there is no such network", known)
        return self._axis.index((network, self._networks[network].default))

    @property
    def default(self) -> int:
        return self.default_of(0)

    def named(self, classes: Sequence[str]) -> Networks:
        return self._with([each.named(classes) for each in self._networks])

    def steady(self) -> Networks:
        return self._with([each.steady() for each in self._networks])

    def _with(self, networks: Sequence[TorchClassifier]) -> Networks:
        """The same axis of checkpoints, of these networks."""
        twin = Networks(networks)
        twin._axis = list(self._axis)
        return twin

    def follow(self) -> bool:
        followed = [each.follow() for each in self._networks]
        for number, each in enumerate(self._networks):
            known = self.owners.count(number)
            self._axis += [(number, local) for local in range(known, len(each.checkpoints))]
        return any(followed)

    def at(self, index: int) -> TorchClassifier:
        if not 0 <= index < len(self._axis):
            fault = "there is no such checkpoint"
            raise InputError(f"checkpoint {index}", fault, f"there are {len(self._axis)}, 0 to {len(self._axis) - 1}")
        owner, local = self._axis[index]
        return self._networks[owner].at(local)

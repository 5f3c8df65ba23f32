"""What an explainer keeps of its own: arrays by name, in memory and in the store."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from .keys import kept_key

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fer_tui.contract import Description

    from .stores import Storage

    Arrays = Mapping[str, NDArray[Any]]


class Keeper:
    """Arrays of one explainer for one classifier and one dataset, as `fer_tui.contract.Kept` has it."""

    def __init__(
        self, description: Description, digests: tuple[str, ...], store: Storage | None, memory: dict[str, Arrays]
    ) -> None:
        self._description, self._digests, self._store, self._memory = description, digests, store, memory

    def under(self, name: str) -> Keeper:
        """The same for another network, which is made of this one as `name` tells."""
        return Keeper(self._description, (*self._digests, name), self._store, self._memory)

    def get(self, name: str) -> Arrays | None:
        """What was put under that name, now or in an earlier session; None where nothing was."""
        key = self._key(name)
        if key not in self._memory:
            blob = self._store.get(key) if self._store is not None else None
            if blob is None:
                return None
            with np.load(io.BytesIO(blob), allow_pickle=False) as stored:
                self._memory[key] = {each: stored[each] for each in stored.files}
        return self._memory[key]

    def put(self, name: str, arrays: Arrays) -> None:
        key = self._key(name)
        self._memory[key] = dict(arrays)
        if self._store is not None:
            buffer = io.BytesIO()
            np.savez(buffer, **dict(arrays))  # type: ignore[arg-type]
            self._store.put(key, buffer.getvalue(), method=self._description.name)

    def _key(self, name: str) -> str:
        return kept_key(self._description, name, *self._digests)

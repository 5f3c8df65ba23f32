"""What doctor finds: one fact a line, a fault with its mend."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Finding:
    """One fact. fault: what is wrong, "" where nothing is. mend: what to do about it, or a hint where nothing is wrong.

    details: for --debug.
    """

    name: str
    value: str
    fault: str = ""
    mend: str = ""
    details: str = ""

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "ok": not self.fault}

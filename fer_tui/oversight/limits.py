"""How long the code of an explainer may take before it is broken off."""

from __future__ import annotations

import math
import os

from fer_tui.contract import InputError

VARIABLE = "FER_TUI_PLUGIN_LIMIT"
_IMPORT = 20.0  # seconds that an import may take
_STEP = 120.0  # seconds from one result to the next


_GRACE = 5.0


def grace(limit: float) -> float:
    """Seconds that an explainer has when its time is over and it was told so, until its process is ended."""
    return min(limit, _GRACE)


def limits() -> dict[str, float]:
    """Seconds by what is done; 0: no limit. FER_TUI_PLUGIN_LIMIT sets both; InputError where it is no number."""
    given = os.environ.get(VARIABLE, "").strip()
    if not given:
        return {"import": _IMPORT, "explain": _STEP}
    try:
        limit = float(given)
    except ValueError:
        limit = -1.0
    if not (math.isfinite(limit) and limit >= 0):
        raise InputError(VARIABLE, f"{given!r} is no number of seconds", "0 stands for no limit")
    return {"import": limit, "explain": limit}

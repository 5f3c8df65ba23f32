"""What an explainer promises, each promise as a check that says what is broken and how to mend it."""

from . import actions, axes, declarations, evidence, manners, networks, results, runs
from .promise import Promise

PROMISES: tuple[Promise, ...] = (
    *declarations.PROMISES,
    *results.PROMISES,
    *axes.PROMISES,
    *runs.PROMISES,
    *manners.PROMISES,
    *networks.PROMISES,
    *evidence.PROMISES,
    *actions.PROMISES,
)

__all__ = ["PROMISES", "Promise"]

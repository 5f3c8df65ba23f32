"""Which explainer, of which distribution and version."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Origin:
    """An explainer's name, and the distribution that brings it, '' where that is not known."""

    name: str
    distribution: str = ""
    version: str = ""

    @property
    def source(self) -> str:
        """Distribution and version: what a fault is kept by."""
        return f"{self.distribution} {self.version}".strip()

    def __str__(self) -> str:
        return f"{self.name} ({self.source})" if self.source else self.name

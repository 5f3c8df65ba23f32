"""A page as what it says, in order, before it is written as HTML or Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from .findings import Finding


@dataclass(frozen=True, slots=True)
class Paragraph:
    text: str


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure by its file's name. words: what it shows, for who can't see it."""

    file: str
    caption: str
    words: str


@dataclass(frozen=True, slots=True)
class Figures:
    """Figures side by side. wide: each takes the page's width."""

    figures: Sequence[Figure]
    wide: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text under headings; the first column names the row. words: the others are words, not numbers."""

    caption: str
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    words: bool = False


@dataclass(frozen=True, slots=True)
class Findings:
    findings: Sequence[Finding]


Block = Paragraph | Figures | Table | Findings


@dataclass(slots=True)
class Section:
    title: str
    blocks: list[Block] = field(default_factory=list)

    @property
    def findings(self) -> list[Finding]:
        return [each for block in self.blocks if isinstance(block, Findings) for each in block.findings]


@dataclass(slots=True)
class Page:
    title: str
    sections: list[Section] = field(default_factory=list)

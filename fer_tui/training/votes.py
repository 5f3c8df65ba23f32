"""Annotators' votes, and what they say of the label."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional as F

from fer_tui.contract import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_ROUNDS = 60
_RIDGE = 1e-4


def read_votes(path: Path) -> NDArray[np.float32]:
    """Votes (rows, answers) of FER+'s fer2013new.csv, any CSV whose other columns are text, or an .npy file."""
    if not path.is_file():
        raise InputError(path, "no such file")
    if path.suffix.lower() == ".npy":
        try:
            votes = np.load(path, allow_pickle=False)
        except (ValueError, OSError) as error:
            raise InputError(path, "is no array of numbers", "save it by numpy.save") from error
    else:
        votes = _table(path)
    if votes.ndim != 2 or votes.shape[1] < 2 or votes.dtype.kind not in "iuf":
        mend = "give a row for each picture, a column for each answer"
        raise InputError(path, f"votes of shape {votes.shape} are not understood", mend)
    votes = np.asarray(votes, np.float32)
    if not np.isfinite(votes).all() or (votes < 0).any():
        row = int(np.flatnonzero(~(np.isfinite(votes) & (votes >= 0)).all(1))[0])
        raise InputError(f"{path} row {row}", "has votes that are not counts from 0 on")
    return votes


def _table(path: Path) -> NDArray[np.float32]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.reader(file))
    if len(rows) < 2:
        raise InputError(path, "has no rows", "get the file again")
    columns = [at for at, text in enumerate(rows[1]) if _is_number(text)]
    votes = np.empty((len(rows) - 1, len(columns)), np.float32)
    for number, row in enumerate(rows[1:]):
        try:
            votes[number] = [float(row[at]) for at in columns]
        except (ValueError, IndexError):
            raise InputError(f"{path} line {number + 2}", "its votes are not all numbers") from None
    return votes


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def label_given_votes(votes: torch.Tensor, labels: torch.Tensor, classes: int) -> torch.Tensor:
    """float32 (N, classes): how likely each label is, given the votes (N, answers): logistic regression on these rows.

    The answers need not be the classes (FER+ asked for contempt too), nor mean the same: what the votes say of the
    label is learned. As a target it is the label with less noise: where annotators differ, so do the labels.
    """
    shares = votes.double() / votes.sum(1, keepdim=True).clamp(min=1)
    features = torch.cat([shares, shares.sqrt(), torch.ones_like(shares[:, :1])], 1)
    weights = torch.zeros(features.shape[1], classes, dtype=torch.float64, requires_grad=True)
    solver = torch.optim.LBFGS([weights], max_iter=_ROUNDS, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        solver.zero_grad()
        value = F.cross_entropy(features @ weights, labels) + _RIDGE * weights.square().sum()
        value.backward()  # type: ignore[no-untyped-call]
        return value

    solver.step(loss)  # type: ignore[no-untyped-call]
    return (features @ weights.detach()).softmax(1).float()

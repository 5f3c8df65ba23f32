"""Which of several networks and weights a command is about."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from fer_tui.contract import InputError, plain
from fer_tui.engine.settings import Settings

from . import flags, streams

if TYPE_CHECKING:
    from fer_tui.classifier import TorchClassifier


def add_checkpoint(group: Any) -> None:
    """--checkpoint and --network."""
    whole = flags.typed(flags.whole)
    group.add_argument("--checkpoint", metavar="N", type=whole, help="which of several weights, from 0")
    group.add_argument("--network", metavar="N", type=whole, help="which of several networks, from 0")


def checkpoint_of(arguments: argparse.Namespace, classifier: TorchClassifier) -> int | None:
    """The checkpoint that is asked for, None for the default one. --checkpoint counts within --network, where given."""
    network: int | None = arguments.network
    checkpoint: int | None = arguments.checkpoint
    if network is None:
        return checkpoint
    default = classifier.default_of(network)
    if checkpoint is None:
        return default
    own = [number for number, owner in enumerate(classifier.owners) if owner == network]
    if checkpoint >= len(own):
        fault = f"{plain(classifier.names[network])} has no such checkpoint"
        raise InputError(f"--checkpoint {checkpoint}", fault, f"it has {len(own)}, counted from 0")
    return own[checkpoint]


def network_at(classifier: TorchClassifier, checkpoint: int | None) -> TorchClassifier:
    """The network with the weights of that checkpoint."""
    return classifier.at(classifier.default if checkpoint is None else checkpoint)


def the_first(settings: Settings, command: str) -> Settings:
    """The settings of the first of several networks, for a command that is about one; it is told."""
    if settings.others:
        names = ", ".join(plain(each.model or "") for each in settings.others)
        streams.say(f"{command} is about one network: {plain(settings.model or '')}; left out: {names}")
    return settings.networks[0]

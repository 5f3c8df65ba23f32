"""Opens images with labels, and keeps them parsed and mapped. Loads no torch."""

from .classes import same_classes
from .digests import image_digest
from .mapped import MappedDataset, map_dataset
from .opening import open_dataset
from .parsed import delete_parsed, parsed_datasets
from .shards import shards_of

__all__ = [
    "MappedDataset",
    "delete_parsed",
    "image_digest",
    "map_dataset",
    "open_dataset",
    "parsed_datasets",
    "same_classes",
    "shards_of",
]

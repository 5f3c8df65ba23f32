"""Opens images with labels, and keeps them parsed and mapped. Loads no torch."""

from .classes import FER_CLASSES, align
from .mapped import MappedDataset, image_digest, map_dataset
from .opening import open_dataset

__all__ = ["FER_CLASSES", "MappedDataset", "align", "image_digest", "map_dataset", "open_dataset"]

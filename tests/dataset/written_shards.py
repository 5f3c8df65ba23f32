"""What the tests of shards share: pictures as bytes, and the writing of tar and Parquet files."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

DRAW = np.random.default_rng(41)
GRAY = DRAW.integers(0, 256, (10, 6, 8), np.uint8)
RGB = DRAW.integers(0, 256, (10, 6, 8, 3), np.uint8)


def encoded(image: np.ndarray, kind: str = "png") -> bytes:
    """A picture, or an array, as the bytes of a file."""
    file = io.BytesIO()
    if kind == "npy":
        np.save(file, image)
    else:
        Image.fromarray(image).save(file, kind, **({"lossless": True} if kind == "webp" else {}))
    return file.getvalue()


def write_tar(
    path: Path, samples: Sequence[tuple[str, Mapping[str, bytes | str]]], form: int = tarfile.GNU_FORMAT
) -> Path:
    """A shard of WebDataset: (key, end -> contents) for each sample."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w", format=form) as file:
        for key, parts in samples:
            for end, contents in parts.items():
                data = contents.encode() if isinstance(contents, str) else contents
                info = tarfile.TarInfo(f"{key}.{end}")
                info.size = len(data)
                file.addfile(info, io.BytesIO(data))
    return path


def write_parquet(path: Path, columns: Mapping[str, Any], features: Any = None, **options: Any) -> Path:
    """A file of columns; features: what Hugging Face's `datasets` writes of them into the schema."""
    import json

    import pyarrow as pa
    from pyarrow import parquet

    path.parent.mkdir(parents=True, exist_ok=True)
    table = pa.table(dict(columns))
    if features is not None:
        table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    parquet.write_table(table, path, **options)
    return path

"""Draws the faces that are shipped: `python -m fer_tui_samples.build`; and others to train on, from other seeds."""

from __future__ import annotations

import argparse
import io
import zipfile
from pathlib import Path

import numpy as np

from . import MASKS
from .draw import draw_face
from .expressions import CLASSES

FACES = 350  # a face shows class seed % 7, so that the first rows of the file already hold every class
_DATE = (2025, 1, 1, 0, 0, 0)  # the same bytes whenever they are written


def main() -> None:
    parser = argparse.ArgumentParser(prog="fer_tui_samples.build", description=__doc__)
    parser.add_argument("-o", "--out", type=Path, default=Path(__file__).with_name("faces.npz"))
    parser.add_argument("--faces", type=int, default=FACES, help="how many")
    parser.add_argument("--first", type=int, default=0, help="seed of the first face (shipped are those from 0)")
    given = parser.parse_args()
    out: Path = given.out
    unfinished = out.with_name(out.name + ".part")
    unfinished.write_bytes(packed(arrays(given.faces, given.first)))
    unfinished.replace(out)
    print(f"{out}: {given.faces} faces, {out.stat().st_size:,} bytes")


def arrays(count: int, first: int = 0) -> dict[str, np.ndarray]:
    """Faces of `count` seeds: images, labels, class_names, and masks packed eight pixels to a byte along the width."""
    seeds = np.arange(first, first + count, dtype=np.int64)
    drawn = [draw_face(seed % len(CLASSES), seed) for seed in seeds.tolist()]
    return {
        "images": np.stack([image for image, _ in drawn]),
        "labels": seeds % len(CLASSES),
        "class_names": np.array(CLASSES),
        "masks": np.packbits(np.stack([masks for _, masks in drawn]), axis=-1),
        "mask_names": np.array(MASKS),
    }


def packed(named: dict[str, np.ndarray]) -> bytes:
    """An .npz whose bytes depend on nothing but the arrays (numpy.savez writes the time of day into it)."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        for name, array in named.items():
            entry = io.BytesIO()
            np.lib.format.write_array(entry, array, version=(1, 0), allow_pickle=False)
            info = zipfile.ZipInfo(f"{name}.npy", _DATE)
            info.compress_type, info.create_system = zipfile.ZIP_DEFLATED, 3
            file.writestr(info, entry.getvalue(), compresslevel=9)
    return archive.getvalue()


if __name__ == "__main__":
    main()

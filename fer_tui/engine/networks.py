"""Which folders lie on a network, or might: SQLite's write-ahead log needs memory that all who use it share."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

# In user space (fuse.sshfs, fuse.rclone, ...) hardly anything shares memory between machines, and some no locks either.
_NETWORKS = (
    "nfs", "cifs", "smb", "lustre", "gpfs", "beegfs", "ceph", "afs", "9p", "fuse.", "virtiofs", "vboxsf", "glusterfs",
    "orangefs", "pvfs2", "panfs", "wekafs", "ocfs2", "gfs2",
)  # fmt: skip


def on_network(folder: Path, mounts: str | None = None) -> bool:
    """Whether `folder` lies on a network file system; `mounts`: in place of /proc/mounts, which is read once."""
    if mounts is None:
        return _on_network(folder.absolute())
    best, kind = "", ""
    place = folder.resolve()
    for line in mounts.splitlines():
        _, at, found, *_ = [*line.split(" "), "", "", ""]
        at = re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), at)  # a space is \040
        if len(at) >= len(best) and place.is_relative_to(at or "?"):
            best, kind = at, found
    return kind == "fuse" or kind.startswith(_NETWORKS)


@cache
def _on_network(folder: Path) -> bool:
    try:
        return on_network(folder, Path("/proc/mounts").read_text(errors="surrogateescape"))
    except OSError:
        return False

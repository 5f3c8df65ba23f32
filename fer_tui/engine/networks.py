"""Which folders lie on a network, or might: SQLite's write-ahead log needs memory that all who use it share."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

# In user space (fuse.sshfs, fuse.rclone, ...) hardly anything shares memory between machines, and some no locks either.
_NETWORKS = (
    "nfs", "cifs", "smb", "lustre", "gpfs", "beegfs", "ceph", "afs", "9p", "virtiofs", "vboxsf", "glusterfs",
    "orangefs", "pvfs2", "panfs", "wekafs", "ocfs2", "gfs2",
)  # fmt: skip


def on_network(folder: Path, mounts: str | None = None) -> bool:
    """Whether `folder` lies on a network file system; `mounts`: in place of /proc/mounts, which is read once."""
    return _on_network(folder.absolute()) if mounts is None else _is_network(_kind(folder, mounts))


def lacks_locks(folder: Path, mounts: str | None = None) -> bool:
    """Whether locks might not be seen by other machines: as over sshfs."""
    return _lacks_locks(folder.absolute()) if mounts is None else _is_in_user_space(_kind(folder, mounts))


@cache
def _on_network(folder: Path) -> bool:
    return _is_network(_kind(folder, _mounts()))


@cache
def _lacks_locks(folder: Path) -> bool:
    return _is_in_user_space(_kind(folder, _mounts()))


def _is_network(kind: str) -> bool:
    return _is_in_user_space(kind) or kind.startswith(_NETWORKS)


def _is_in_user_space(kind: str) -> bool:
    return kind == "fuse" or kind.startswith("fuse.")


def _kind(folder: Path, mounts: str) -> str:
    """Of the file system that the folder lies on."""
    best, kind = "", ""
    place = folder.resolve()
    for line in mounts.splitlines():
        _, at, found, *_ = [*line.split(" "), "", "", ""]
        at = re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), at)  # a space is \040
        if len(at) >= len(best) and place.is_relative_to(at or "?"):
            best, kind = at, found
    return kind


def _mounts() -> str:
    try:
        return Path("/proc/mounts").read_text(errors="surrogateescape")
    except OSError:
        return ""

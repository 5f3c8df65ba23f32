"""A dask cluster of SLURM jobs: each job is one worker of one thread, and one that ended is asked for again."""

from __future__ import annotations

import contextlib
import shlex
import shutil
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from fer_tui.contract import InputError, nearest
from fer_tui.folders import cache_folder

from .credentials import temporary
from .node import ALLOCATOR, CONFIG

if TYPE_CHECKING:
    from dask_jobqueue.slurm import SLURMCluster
    from distributed import Security

_UNLIMITED = {f"distributed.worker.memory.{what}": False for what in ("target", "spill", "pause", "terminate")}
_OWN = {  # of `--scheduler slurm:...`, by SLURMCluster's names
    "queue": "queue", "account": "account", "time": "walltime", "memory": "memory", "cpus": "job_cpu",
    "python": "python", "interface": "interface", "folder": "shared_temp_directory",
}  # fmt: skip
OPTIONS = (*_OWN, "gres")
"""Partition, account, time limit, memory and CPUs of a job, interpreter and network interface, a folder that the nodes
see, too (for the keys of TLS: a file that only the user can read), and what `sbatch --gres` takes."""


@contextlib.contextmanager
def jobs(options: Mapping[str, str], workers: int) -> Iterator[tuple[str, Security]]:
    """The scheduler's address, which runs in this process, and the credentials of a cluster of `workers` jobs.

    What the options (see `OPTIONS`) do not say is as `jobqueue.slurm` of dask's configuration has it.
    """
    import dask

    if shutil.which("sbatch") is None:
        raise InputError("--scheduler slurm", "there is no sbatch here", "start it where jobs are submitted")
    with dask.config.set(CONFIG):
        made = described(options)
        with contextlib.closing(made):
            made.adapt(minimum_jobs=workers, maximum_jobs=workers)
            yield made.scheduler_address, made.security


def described(options: Mapping[str, str]) -> SLURMCluster:
    """The cluster before any job is submitted. InputError tells what is wrong with an option."""
    import dask
    from dask_jobqueue.slurm import SLURMCluster
    from distributed import Security

    for name in options:
        if name not in OPTIONS:
            raise InputError("--scheduler slurm:...", f"there is no {name}{nearest(name, OPTIONS)}")

    def configured(name: str) -> Any:
        return dask.config.get(f"jobqueue.slurm.{name}", None) or None

    if "memory" not in options and configured("memory") is None:
        raise InputError("--scheduler slurm", "the memory of a job is not known", "slurm:memory=8GB")
    folder = cache_folder()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    cpus = options.get("cpus", configured("job-cpu") or "1")
    if not (str(cpus).isdigit() and int(cpus)):
        raise InputError("--scheduler slurm:...", f"cpus={cpus} is not a number from 1 on")
    given: dict[str, Any] = {_OWN[name]: value for name, value in options.items() if name in _OWN}
    given["job_cpu"] = int(cpus)
    gres = [f"--gres={options['gres']}"] if "gres" in options else []
    environ = ALLOCATOR | {"OMP_NUM_THREADS": str(cpus)} | _as_environ(CONFIG | _UNLIMITED)
    return SLURMCluster(
        **{
            "cores": 1,  # dask's word for the threads of its workers
            "processes": 1,
            "job_name": "fer-tui",
            "shared_temp_directory": configured("shared-temp-directory") or str(folder),
            "log_directory": configured("log-directory") or str(folder / "jobs"),
            "job_extra_directives": [*(configured("job-extra-directives") or ()), *gres],
            "job_script_prologue": [
                *(configured("job-script-prologue") or ()),
                *(f"export {name}={shlex.quote(value)}" for name, value in environ.items()),
            ],
            "worker_extra_args": [*(configured("worker-extra-args") or ()), "--dashboard-address", "127.0.0.1:0"],
            "scheduler_options": {
                **(configured("scheduler-options") or {}),
                "dashboard": False,
                "dashboard_address": "127.0.0.1:0",
            },
            "security": Security(**temporary()),
            **given,
        }
    )


def _as_environ(config: Mapping[str, Any]) -> dict[str, str]:
    """Dask's configuration as the variables that its processes read."""
    return {f"DASK_{name.replace('.', '__').replace('-', '_').upper()}": repr(value) for name, value in config.items()}

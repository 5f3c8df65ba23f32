"""A dask cluster of SLURM jobs: each job is one worker of one thread, and one that ended is asked for again."""

from __future__ import annotations

import contextlib
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fer_tui.contract import InputError, nearest
from fer_tui.folders import cache_folder

from .credentials import temporary
from .node import ALLOCATOR, CONFIG, UNSERVED

if TYPE_CHECKING:
    from dask_jobqueue.slurm import SLURMCluster
    from distributed import Security

_UNLIMITED = {f"distributed.worker.memory.{what}": False for what in ("target", "spill", "pause", "terminate")}
_OWN = {  # of `--scheduler slurm:...`, by SLURMCluster's names
    "queue": "queue", "account": "account", "time": "walltime", "memory": "memory", "cpus": "job_cpu",
    "python": "python", "interface": "interface",
}  # fmt: skip
OPTIONS = (*_OWN, "gres", "folder")
"""Partition, account, time limit, memory and CPUs of a job, interpreter and network interface, what `sbatch --gres`
takes, and a folder that the nodes see, too (else the cache folder): for logs, and the keys of TLS while it lasts."""


@contextlib.contextmanager
def jobs(options: Mapping[str, str], workers: int) -> Iterator[tuple[str, Security]]:
    """The scheduler's address, which runs in this process, and the credentials of a cluster of `workers` jobs.

    What the options (see `OPTIONS`) do not say is as `jobqueue.slurm` of dask's configuration has it.
    """
    import dask

    if shutil.which("sbatch") is None:
        raise InputError("--scheduler slurm", "there is no sbatch here", "start it where jobs are submitted")
    with dask.config.set(CONFIG), described(options) as made:
        _try(made.job_script())
        made.adapt(minimum_jobs=workers, maximum_jobs=workers)
        yield made.scheduler_address, made.security


@contextlib.contextmanager
def described(options: Mapping[str, str]) -> Iterator[SLURMCluster]:
    """The cluster before any job is submitted. InputError tells what is wrong with an option."""
    from dask_jobqueue.slurm import SLURMCluster

    keywords = _keywords(options)
    folder = Path(options.get("folder", cache_folder())).absolute()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        keys = tempfile.TemporaryDirectory(prefix=".keys-", dir=folder)  # of mode 0700
    except OSError as error:
        raise InputError(folder, f"cannot be written to: {error.strerror}", "slurm:folder=...") from error
    with keys as place:
        keywords.setdefault("log_directory", str(folder / "jobs"))
        made = SLURMCluster(security=_in_files(Path(place)), **keywords)
        try:
            yield made
        finally:
            with contextlib.suppress(AssertionError):  # of a job that could not be submitted
                made.close()


def _try(script: str) -> None:
    """InputError where SLURM would refuse the job: dask would wait for it all the same."""
    tried = subprocess.run(["sbatch", "--test-only"], input=script, capture_output=True, text=True)
    if tried.returncode:
        said = (tried.stderr.strip().splitlines() or ["it gives no reason"])[-1]
        raise InputError("--scheduler slurm", f"the job is refused: {said}", ", ".join(OPTIONS))


def _in_files(folder: Path) -> Security:
    """Fresh credentials, in files: their names are in the job, and so for all to read."""
    from distributed import Security

    credentials = temporary()
    texts = {text for text in credentials.values() if isinstance(text, str)}
    names = {text: str(folder / f"{number}.pem") for number, text in enumerate(sorted(texts))}
    for text, name in names.items():
        Path(name).write_text(text)
    return Security(**{name: names.get(value, value) for name, value in credentials.items()})


def _keywords(options: Mapping[str, str]) -> dict[str, Any]:
    """SLURMCluster's, by the options and dask's configuration."""
    import dask

    for name in options:
        if name not in OPTIONS:
            raise InputError("--scheduler slurm:...", f"there is no {name}{nearest(name, OPTIONS)}")

    def configured(name: str) -> Any:
        return dask.config.get(f"jobqueue.slurm.{name}", None) or None

    if "memory" not in options and configured("memory") is None:
        raise InputError("--scheduler slurm", "the memory of a job is not known", "slurm:memory=8GB")
    cpus = options.get("cpus", configured("job-cpu") or "1")
    if not (str(cpus).isdigit() and int(cpus)):
        raise InputError("--scheduler slurm:...", f"cpus={cpus} is not a number from 1 on")
    given: dict[str, Any] = {_OWN[name]: value for name, value in options.items() if name in _OWN}
    given["job_cpu"] = int(cpus)
    gres = [f"--gres={options['gres']}"] if "gres" in options else []
    environ = ALLOCATOR | {"OMP_NUM_THREADS": str(cpus)} | _as_environ(CONFIG | _UNLIMITED)
    logs = {"log_directory": configured("log-directory")} if configured("log-directory") else {}
    return {
        "cores": 1,  # dask's word for the threads of its workers
        "processes": 1,
        "job_name": "fer-tui",
        "job_extra_directives": [*(configured("job-extra-directives") or ()), *gres],
        "job_script_prologue": [
            *(configured("job-script-prologue") or ()),
            *(f"export {name}={shlex.quote(value)}" for name, value in environ.items()),
        ],
        "worker_extra_args": [*(configured("worker-extra-args") or ()), "--dashboard-address", UNSERVED],
        "scheduler_options": {
            **(configured("scheduler-options") or {}), "dashboard": False, "dashboard_address": UNSERVED,
        },
        **logs,
        **given,
    }  # fmt: skip


def _as_environ(config: Mapping[str, Any]) -> dict[str, str]:
    """Dask's configuration as the variables that its processes read."""
    return {f"DASK_{name.replace('.', '__').replace('-', '_').upper()}": repr(value) for name, value in config.items()}

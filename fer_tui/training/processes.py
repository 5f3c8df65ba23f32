"""The processes that train together: one, or those that torchrun starts."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass

import torch
from torch import distributed, nn


@dataclass(frozen=True)
class Processes:
    """This process's number among `count`."""

    rank: int = 0
    count: int = 1
    local: int = 0

    @property
    def first(self) -> bool:
        """Whether this one writes and speaks."""
        return self.rank == 0

    @classmethod
    def joined(cls) -> Processes:
        """Those that torchrun started this process with, connected by NCCL where there are CUDA devices, else gloo."""
        count = int(os.environ.get("WORLD_SIZE", "1"))
        if count == 1 or not distributed.is_available():
            return cls()
        local = int(os.environ.get("LOCAL_RANK", "0"))
        if torch.cuda.is_available():
            torch.cuda.set_device(local)
        distributed.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
        return cls(distributed.get_rank(), count, local)

    def device(self, asked: str) -> str:
        """The device for this process where `asked` is named: of several processes each has a CUDA device."""
        own = self.count > 1 and asked == "auto" and torch.cuda.is_available()
        return f"cuda:{self.local}" if own else asked

    def leave(self) -> None:
        if self.count > 1:
            distributed.destroy_process_group()

    def end(self) -> None:
        """End a process that is one of several, as done.

        At once: a thread of the backend that asks for the interpreter's lock while the interpreter is being taken
        down ends in std::terminate, and torchrun would call the whole training failed.
        """
        if self.count > 1:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(0)

    def shared(self, module: nn.Module) -> nn.Module:
        """`module` with its gradients averaged over the processes; on CUDA its batch norms see the whole batch."""
        if self.count == 1:
            return module
        if next(module.parameters()).is_cuda:
            return nn.parallel.DistributedDataParallel(module, [torch.cuda.current_device()])
        return nn.parallel.DistributedDataParallel(module)

    def synchronised(self, module: nn.Module) -> nn.Module:
        """Batch norms that see the whole batch, where they can: on CUDA."""
        if self.count == 1 or not next(module.parameters()).is_cuda:
            return module
        made: nn.Module = nn.SyncBatchNorm.convert_sync_batchnorm(module)  # type: ignore[no-untyped-call]
        return made

    def add(self, sums: torch.Tensor) -> None:
        """Replace `sums` by their sum over the processes."""
        if self.count > 1:
            distributed.all_reduce(sums)

    def wait(self) -> None:
        if self.count > 1:
            distributed.barrier()

"""NumPy's linear algebra on one thread, beside a network."""

from __future__ import annotations

import functools
from contextlib import AbstractContextManager
from typing import Any

from threadpoolctl import ThreadpoolController


def single_thread() -> AbstractContextManager[Any]:
    """Inside, matrices are multiplied and solved on this thread alone.

    The threads of NumPy's library wait for more work at full speed, and take the cores from torch's: measured on two
    cores, that doubled the time of the passes that follow. Small matrices win nothing by them.
    """
    return _pools().limit(limits=1, user_api="blas")


@functools.cache
def _pools() -> ThreadpoolController:
    return ThreadpoolController()

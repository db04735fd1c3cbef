"""Blocking work off the loop, in few threads."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

FILE_THREADS = 4

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

_file_threads = ThreadPoolExecutor(FILE_THREADS, thread_name_prefix="files")


async def in_file_thread(
    work: Callable[Parameters, Result], *args: Parameters.args, **kwargs: Parameters.kwargs
) -> Result:
    """Run blocking file work; waits for a free thread out of four. A cancelled caller leaves the work running."""
    return await asyncio.get_running_loop().run_in_executor(_file_threads, partial(work, *args, **kwargs))

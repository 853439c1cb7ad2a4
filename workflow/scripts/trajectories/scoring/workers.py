"""Several packs at once on a CPU, each on a thread of its own whose kernels keep to a share of the cores.

Packs do not depend on each other. A kernel spread over all cores waits at its end for the slowest of them, and what is
not a kernel (Python, small tensors) leaves all cores but one idle; a pack per core has neither. A GPU runs one pack
after the other.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

Item = TypeVar("Item")
Result = TypeVar("Result")

# Python runs in one thread at a time, and up to a tenth of a pack of pythia-70m is Python's (benchmarks/README.md), so
# more workers than this would wait for it. Beyond, the kernels share the cores.
MOST_WORKERS = 8


def in_order(run: Callable[[Item], Result], items: Sequence[Item], threads: int) -> Iterator[Result]:
    """Yield `run(item)` for each item in order, as many at once as there are `threads`, which the kernels share.

    When one of them raises, the ones before it are yielded first, and none is running any more when the error arrives.
    """
    workers = min(threads, len(items), MOST_WORKERS)
    if workers <= 1:
        yield from map(run, items)
        return
    share = threads // workers
    try:
        with ThreadPoolExecutor(workers, "pack", torch.set_num_threads, (share,)) as pool:
            yield from pool.map(run, items)
    finally:
        torch.set_num_threads(threads)  # the last number set is what threads of the future begin with

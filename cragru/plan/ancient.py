"""Jobs behind an `ancient` input are planned in the same run as the job that makes it.

Snakemake looks at no job below one that it plans, for that one brings them. Through an `ancient` input it brings
nothing, and what was to be made behind it would wait for the next run without a word: after a kill during a download,
the next run would download, and end. https://github.com/snakemake/snakemake/issues/4166
"""

from collections import deque
from collections.abc import Iterator, Mapping
from functools import wraps
from inspect import unwrap
from typing import Any


def plan_behind_ancient(dag: type) -> None:
    """Let a plan look at each job that no planned job brings.

    Args:
        dag: Snakemake's `DAG`.
    """
    original = unwrap(dag.update_needrun)  # type: ignore[attr-defined]  # a process may read a Snakefile again

    @wraps(original)
    async def update_needrun(self: Any, *args: Any, **kwargs: Any) -> None:
        self.bfs = _brought  # by which it finds the jobs that it need not look at
        try:
            await original(self, *args, **kwargs)
        finally:
            del self.bfs

    dag.update_needrun = update_needrun  # type: ignore[attr-defined]


def _brought(direction: Mapping[Any, Mapping[Any, Any]], *jobs: Any) -> Iterator[Any]:
    """Yield these jobs and every job that they bring: `DAG.bfs` without the ways through `ancient` files."""
    queue = deque(jobs)
    seen = set(queue)
    while queue:
        job = queue.popleft()
        yield job
        for below, files in direction[job].items():
            is_brought = not all(file.is_ancient for file in files)
            if is_brought and below not in seen:
                seen.add(below)
                queue.append(below)

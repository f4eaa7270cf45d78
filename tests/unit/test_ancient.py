"""What Snakemake's plan need not look at, by a graph of three jobs and a plan that asks as Snakemake's does."""

import asyncio
import inspect
from types import SimpleNamespace

from snakemake.cli import main  # noqa: F401  DAG's module cannot be imported first
from snakemake.dag import DAG

from cragru.plan.ancient import plan_behind_ancient

OLD, NEW = SimpleNamespace(is_ancient=True), SimpleNamespace(is_ancient=False)
BELOW = {"download": {"prepare": (OLD,), "count": (OLD, NEW)}, "prepare": {}, "count": {}}


class Dag:
    depending = BELOW

    def bfs(self, direction, *jobs):
        return direction

    async def update_needrun(self):
        self.brought = list(self.bfs(self.depending, "download"))


def test_a_job_behind_ancient_files_alone_is_brought_by_none():
    class Once(Dag):
        pass

    class Twice(Dag):
        """As where a process reads the Snakefile again."""

    for kind, times in ((Once, 1), (Twice, 2)):
        for _ in range(times):
            plan_behind_ancient(kind)
        dag = kind()
        asyncio.run(dag.update_needrun())
        assert dag.brought == ["download", "count"]
        assert dag.bfs(BELOW) is BELOW  # elsewhere it is Snakemake's
        assert inspect.unwrap(kind.update_needrun) is Dag.update_needrun


def test_the_pinned_snakemake_asks_by_this_method():
    assert "self.bfs(self.depending, job)" in inspect.getsource(inspect.unwrap(DAG.update_needrun))

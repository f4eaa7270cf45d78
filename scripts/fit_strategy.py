"""Let a retrieval strategy learn what it needs from the remain set."""

import importlib
from pathlib import Path

from cragru.backbones.base import FactorModel
from cragru.backbones.files import training_data
from cragru.core.roles import Role
from cragru.data.frames import ITEMS
from cragru.data.parts import read_parts, read_sizes
from cragru.job import stage
from cragru.kept.files import read_parquet
from cragru.retrieval.base import FitContext


def main(job):
    parts = read_parts(Path(job.input.record).parent, ["train", "valid"])
    context = FitContext(
        item_factors=FactorModel.load(job.input.model).item_factors,
        genres=read_parquet(job.input.item_frame, ITEMS)["genres"].tolist(),
        data=training_data(parts["train"], parts["valid"], read_sizes(job.input.statistics)),
        options=job.params.options,
        seed=int(job.wildcards.seed),
    )
    folder = Path(job.output.folder)
    folder.mkdir(parents=True, exist_ok=True)
    importlib.import_module(job.params.module).fit(context, folder)


if __name__ == "__main__":
    stage(snakemake, main, role=Role.RERANKS)

"""Write a model's lists: nothing that a user has seen, and nothing that was forgotten (mask B)."""

from pathlib import Path

import torch

from cragru.backbones.base import FactorModel, pairs
from cragru.data.parts import read_parts, read_sizes
from cragru.evaluation.bias_columns import LIST_LENGTH, LISTS
from cragru.evaluation.utility import recommended
from cragru.job import stage
from cragru.kept.files import write_parquet


def main(job):
    parts = read_parts(Path(job.input.record).parent, ["train", "valid", "forget", "test"])
    judged = torch.unique(pairs(parts["test"])[0])
    model, sizes = FactorModel.load(job.input.model), read_sizes(job.input.statistics)
    lists = recommended(model, parts, judged, *sizes, LIST_LENGTH)
    write_parquet(job.output.lists, lists, LISTS)


if __name__ == "__main__":
    stage(snakemake, main)

"""Train a backbone as it is deployed: on everything, the rows to be forgotten included."""

from pathlib import Path

import pandas as pd

from cragru.backbones.files import training_data, write_curve
from cragru.backbones.training import train_backbone, training_options
from cragru.core.roles import Role
from cragru.data.parts import read_parts, read_sizes
from cragru.job import stage


def main(job):
    parts = read_parts(Path(job.input.record).parent, ["train", "forget", "valid"])
    seen = pd.concat([parts["train"], parts["forget"]]).sort_values("row")
    data = training_data(seen, parts["valid"], read_sizes(job.input.statistics))
    options = training_options(job.params.module, job.params.options)
    name, seed = job.wildcards.backbone, int(job.wildcards.seed)
    training, device = train_backbone(
        job.params.module, name, data, options, seed, job.params.device
    )
    training.model.save(job.output.model)
    write_curve(job.output.curve, training.curve)
    return {"best_epoch": training.best_epoch, "steps": training.steps, "device": str(device)}


if __name__ == "__main__":
    stage(snakemake, main, role=Role.DEPLOYS)

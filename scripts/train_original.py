"""Train a backbone as it is deployed: on everything, the rows to be forgotten included."""

from pathlib import Path

from cragru.backbones.files import deployed_data, write_curve
from cragru.backbones.training import train_backbone, training_options
from cragru.core.roles import Role
from cragru.data.parts import read_sizes
from cragru.job import stage


def main(job):
    data = deployed_data(Path(job.input.record).parent, read_sizes(job.input.statistics))
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

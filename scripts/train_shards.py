"""Train a method's shards as they are deployed, ahead of any request."""

from cragru.backbones.files import write_curve
from cragru.core.roles import Role
from cragru.job import stage
from cragru.unlearning.files import job_context, write_shards
from cragru.unlearning.sharding import deploy


def main(job):
    trained = deploy(job_context(job))
    models = {shard: training.model for shard, training in enumerate(trained)}
    write_shards(job.output.shards, models, len(models), deployed=None)
    write_curve(job.output.curve, [epoch for training in trained for epoch in training.curve])
    return {"best_epochs": [training.best_epoch for training in trained]}


if __name__ == "__main__":
    stage(snakemake, main, role=Role.DEPLOYS)

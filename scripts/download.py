"""Fetch a data set's files, from a local override or the first source that answers."""

import os

from cragru.config.datasets import RawFiles
from cragru.core.errors import CragruError
from cragru.data.download import fetch
from cragru.job import stage
from cragru.kept.machine import REPEAT


def main(job):
    entry = RawFiles.model_validate(job.params.entry)
    # not a parameter: where a copy lies changes no file, so moving it must not fetch them anew
    override = os.environ.get("CRAGRU_DATA_DIR") or job.config["data_dir"]
    record = fetch(entry, job.params.dataset, job.output.folder, override)
    planned = job.params.copied  # what Snakemake's cache is to know the files by
    if planned not in (None, record.members):
        where = job.params.dataset
        raise CragruError("edited after this job was planned", place=where, advice=REPEAT)


if __name__ == "__main__":
    stage(snakemake, main, has_record=True)  # source.json

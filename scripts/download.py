"""Fetch a data set's files, from a local override or the first source that answers."""

import os

from cragru.config.datasets import RawFiles
from cragru.data.download import fetch
from cragru.job import stage


def main(job):
    entry = RawFiles.model_validate(job.params.entry)
    # not a parameter: where a copy lies changes no file, so moving it must not fetch them anew
    override = os.environ.get("CRAGRU_DATA_DIR") or job.config["data_dir"]
    fetch(entry, job.params.dataset, job.output.folder, override)


if __name__ == "__main__":
    stage(snakemake, main, has_record=True)  # source.json

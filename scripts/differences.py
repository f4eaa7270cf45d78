"""Paired tests between the rows of a table of ranking quality."""

from cragru.io import write_text
from cragru.reporting.base import Order
from cragru.reporting.differences import differences
from cragru.smk import stage


def main(job):
    write_text(job.output.csv, differences(Order.of(job)).to_csv(index=False))


if __name__ == "__main__":
    stage(snakemake, main)

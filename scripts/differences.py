"""Paired tests between the rows of a table of ranking quality."""

from cragru.csv_files import write_csv
from cragru.reporting.base import Order
from cragru.reporting.differences import differences
from cragru.smk import stage


def main(job):
    write_csv(job.output.csv, differences(Order.of(job)))


if __name__ == "__main__":
    stage(snakemake, main)

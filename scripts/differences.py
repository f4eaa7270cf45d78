"""Test the differences between the rows of a table of ranking quality."""

from cragru.job import stage
from cragru.kept.csv_files import write_csv
from cragru.reporting.base import Order
from cragru.reporting.differences import differences


def main(job):
    write_csv(job.output.csv, differences(Order.of(job)))


if __name__ == "__main__":
    stage(snakemake, main)

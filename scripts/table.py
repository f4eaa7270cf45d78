"""Write a table, by the maker of its kind."""

from importlib import import_module

from cragru.job import stage
from cragru.reporting.base import Order
from cragru.reporting.files import write_table


def main(job):
    table = import_module(job.params.maker).make(Order.of(job))
    write_table(table, job.params.spec, dict(job.output.items()))


if __name__ == "__main__":
    stage(snakemake, main)

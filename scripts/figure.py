"""Draw a figure, by the maker of its kind."""

from importlib import import_module

from cragru.job import stage
from cragru.kept.csv_files import write_csv
from cragru.reporting.bars import draw_bars
from cragru.reporting.base import Order


def main(job):
    drawing = import_module(job.params.maker).make(Order.of(job))
    write_csv(job.output.csv, drawing.data)
    draw_bars(drawing.bars, job.params.spec["caption"], drawing.note, dict(job.output.items()))


if __name__ == "__main__":
    stage(snakemake, main)

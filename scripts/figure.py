"""Draw a figure, by the maker of its kind."""

from importlib import import_module
from pathlib import PurePath

from cragru.job import stage
from cragru.kept.csv_files import write_csv
from cragru.kept.files import write_text
from cragru.reporting.bars import draw_bars
from cragru.reporting.base import Order
from cragru.reporting.latex import latex_figure
from cragru.reporting.points import draw_points


def main(job):
    drawing = import_module(job.params.maker).make(Order.of(job))
    caption, pdf = job.params.spec["caption"], PurePath(job.output.pdf)
    write_csv(job.output.csv, drawing.data)
    draw = draw_points if drawing.has_points else draw_bars
    draw(drawing.bars, caption, drawing.note, dict(job.output.items()))
    write_text(job.output.tex, latex_figure(pdf.name, caption, drawing.note, f"fig:{pdf.stem}"))


if __name__ == "__main__":
    stage(snakemake, main)

"""Figure 4: a comparison of retrieval strategies."""

from cragru.io import write_text
from cragru.reporting.bars import draw_bars
from cragru.reporting.rows import read_measured
from cragru.reporting.strategies_figure import strategies_bars, strategies_data, strategies_note
from cragru.smk import stage


def main(job):
    spec = job.params.spec
    data = strategies_data(read_measured(job.params.rows), spec["mask"], spec["cutoffs"])
    write_text(job.output.csv, data.to_csv(index=False))
    note = strategies_note(data, job.params.note)
    draw_bars(strategies_bars(data), spec["caption"], note, dict(job.output.items()))


if __name__ == "__main__":
    stage(snakemake, main)

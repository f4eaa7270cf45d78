"""Figure 3: the forget set beside the remain set."""

from cragru.io import write_text
from cragru.reporting.bars import draw_bars
from cragru.reporting.forget_remain_figure import forget_remain_bars, forget_remain_data, forget_remain_note
from cragru.reporting.forgetting_rows import read_measure
from cragru.smk import stage


def main(job):
    data = forget_remain_data((row, read_measure(row, "forget_remain")) for row in job.params.rows)
    write_text(job.output.csv, data.to_csv(index=False))
    note = forget_remain_note(data, job.params.note)
    draw_bars(forget_remain_bars(data), job.params.spec["caption"], note, dict(job.output.items()))


if __name__ == "__main__":
    stage(snakemake, main)

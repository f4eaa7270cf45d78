"""Write the page of a run."""

from cragru.job import stage
from cragru.reporting.made import made_behind
from cragru.reporting.page import certificate_section, figure_section, table_section, write_page


def main(job):
    shown = job.params.shown
    parts = {
        "Tables": [table_section(name, files) for name, files in shown["tables"].items()],
        "Figures": [figure_section(name, files) for name, files in shown["figures"].items()],
        "Certificates": [
            certificate_section(name, files) for name, files in shown["certificates"].items()
        ],
    }
    sections = {title: own for title, own in parts.items() if own}
    made = made_behind(job.input.shown)
    write_page(job.output.page, job.wildcards.run, job.params.settings, sections, made)


if __name__ == "__main__":
    stage(snakemake, main)

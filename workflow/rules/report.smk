# One page with all that a run shows. `snakemake --report` makes another, of Snakemake's own: job by job.
rule page:
    input:
        run_page.inputs(),
    output:
        page=places.REPORT,
    log:
        f"{places.LOGS}/{{run}}/report.log",
    localrule: True
    conda:
        "../../envs/tables.yaml"
    params:
        shown=run_page.shown,
        settings=run_page.settings,
        code=code_digest("scripts/report.py"),
    message:
        "Write the page of the run {wildcards.run}"
    script:
        "../../scripts/report.py"


rule report:
    """One page with the run's tables, figures and certificates"""
    input:
        run_page.file(),
    localrule: True

# One page with all that a run shows. `snakemake --report` makes another, of Snakemake's own: job by job.
rule page:
    input:
        shown=run_page.inputs(),
        templates=run_page.templates,
    output:
        page=report(
            places.REPORT,
            caption="../report/page.rst",
            category="Run",
            labels={"what": "page of the run"},
        ),
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


rule crate:
    input:
        shown=[*run_page.inputs(), run_page.file()],
        sources=run_page.sources,
    output:
        package=places.PACKAGE,
    log:
        f"{places.LOGS}/{{run}}/package.log",
    localrule: True
    conda:
        "../../envs/tables.yaml"
    params:
        settings=run_page.settings,
        code=code_digest("scripts/package.py"),
    message:
        "Pack the run {wildcards.run} as an RO-Crate"
    script:
        "../../scripts/package.py"


rule package:
    """The run as an RO-Crate, for an archive: tables, figures, certificates, manifests, configuration"""
    input:
        run_page.package(),
    localrule: True


rule report:
    """One page with the run's tables, figures and certificates"""
    input:
        run_page.file(),
    localrule: True

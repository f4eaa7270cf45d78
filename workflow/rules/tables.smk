# Tables and figures: each is a file target of its own and costs only what it needs. `snakemake table1` and so on name them.
rule datasets_table:
    input:
        statistics=expand(
            rules.prepare.output.statistics, dataset=project.settings.datasets
        ),
        paper=paper_file,
    output:
        csv=f"{TABLE}.csv",
        md=f"{TABLE}.md",
        tex=f"{TABLE}.tex",
    log:
        "results/logs/{run}/tables/{table}.log",
    wildcard_constraints:
        table=one_of(tables_of(DatasetsTable)),
    localrule: True
    conda:
        "../../envs/tables.yaml"
    params:
        labels=[
            project.registry.datasets[name].title for name in project.settings.datasets
        ],
        spec=table_spec,
        code=code_digest("scripts/datasets_table.py"),
    message:
        "Make {wildcards.table}"
    script:
        "../../scripts/datasets_table.py"


rule utility_table:
    input:
        per_user=lambda wildcards: row_files(table_rows(wildcards), "per_user"),
        cohorts=lambda wildcards: row_files(table_rows(wildcards), "cohort"),
        costs=lambda wildcards: row_files(table_rows(wildcards), "cost"),
        checks=lambda wildcards: cell_checks(table_cells(wildcards)),
        tests=tests_of,
        paper=paper_file,
    output:
        csv=f"{TABLE}.csv",
        md=f"{TABLE}.md",
        tex=f"{TABLE}.tex",
    log:
        "results/logs/{run}/tables/{table}.log",
    wildcard_constraints:
        table=one_of(tables_of(UtilityTable)),
    localrule: True
    conda:
        "../../envs/tables.yaml"
    params:
        rows=table_rows,
        spec=table_spec,
        title=protocol_title,
        note=lambda wildcards: scoring_note(project.tables.tables[wildcards.table]),
        candidate_groups=candidate_groups,
        references=REFERENCES,
        code=code_digest("scripts/utility_table.py"),
    message:
        "Make {wildcards.table}"
    script:
        "../../scripts/utility_table.py"


rule cost_table:
    input:
        costs=lambda wildcards: [
            cell_file(cell, "cost.json") for cell in table_cells(wildcards)
        ],
    output:
        csv=f"{TABLE}.csv",
        md=f"{TABLE}.md",
        tex=f"{TABLE}.tex",
    log:
        "results/logs/{run}/tables/{table}.log",
    wildcard_constraints:
        table=one_of(tables_of(CostTable)),
    localrule: True
    conda:
        "../../envs/tables.yaml"
    params:
        cells=cost_labels,
        spec=table_spec,
        note=lambda wildcards: scoring_note(project.tables.tables[wildcards.table]),
        code=code_digest("scripts/cost_table.py"),
    message:
        "Make {wildcards.table}"
    script:
        "../../scripts/cost_table.py"


rule time_table:
    input:
        costs=lambda wildcards: row_files(time_rows(wildcards), "cost"),
        checks=lambda wildcards: row_files(time_rows(wildcards), "check"),
        paper=paper_file,
    output:
        csv=f"{TABLE}.csv",
        md=f"{TABLE}.md",
        tex=f"{TABLE}.tex",
    log:
        "results/logs/{run}/tables/{table}.log",
    wildcard_constraints:
        table=one_of(tables_of(TimeTable)),
    localrule: True
    conda:
        "../../envs/tables.yaml"
    params:
        rows=time_rows,
        spec=table_spec,
        title=protocol_title,
        note=requester_note,
        code=code_digest("scripts/time_table.py"),
    message:
        "Make {wildcards.table}"
    script:
        "../../scripts/time_table.py"


rule strategies_figure:
    input:
        per_user=lambda wildcards: row_files(figure_rows(wildcards), "per_user"),
        cohorts=lambda wildcards: row_files(figure_rows(wildcards), "cohort"),
    output:
        csv=f"{FIGURE}.csv",
        pdf=f"{FIGURE}.pdf",
        png=f"{FIGURE}.png",
    log:
        "results/logs/{run}/figures/{figure}.log",
    wildcard_constraints:
        figure=one_of(figures_of(StrategiesFigure)),
    localrule: True
    conda:
        "../../envs/tables.yaml"
    params:
        rows=figure_rows,
        spec=figure_spec,
        note=lambda wildcards: scoring_note(project.figures.figures[wildcards.figure]),
        code=code_digest("scripts/strategies_figure.py"),
    message:
        "Draw {wildcards.figure}"
    script:
        "../../scripts/strategies_figure.py"


for table in project.tables.tables:

    rule:
        name:
            table
        input:
            table_files(table),
        localrule: True


for figure in project.figures.figures:

    rule:
        name:
            figure
        input:
            figure_files(figure),
        localrule: True

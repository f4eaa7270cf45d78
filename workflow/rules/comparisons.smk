# Tables and figures of what was forgotten, who was hurt, what differs, and what the paper claims.
rule differences:
    input:
        per_user=lambda wildcards: row_files(tested_rows(wildcards), "per_user"),
        cohorts=lambda wildcards: row_files(tested_rows(wildcards), "cohort"),
    output:
        csv=f"{TABLE}-differences.csv",
    log:
        "results/logs/{run}/tables/{table}-differences.log",
    wildcard_constraints:
        table=one_of(TESTED),
    conda:
        "../../envs/tables.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        rows=tested_rows,
        spec=tested_spec,
        null=null_labels,
        references=REFERENCES,
        code=code_digest("scripts/differences.py"),
    message:
        "Test differences of {wildcards.table}"
    script:
        "../../scripts/differences.py"


rule completeness_table:
    input:
        membership=lambda wildcards: row_files(
            completeness_rows(wildcards), "membership"
        ),
        completeness=lambda wildcards: row_files(
            completeness_rows(wildcards), "completeness"
        ),
        cohorts=lambda wildcards: row_files(completeness_rows(wildcards), "cohort"),
    output:
        csv=f"{TABLE}.csv",
        md=f"{TABLE}.md",
        tex=f"{TABLE}.tex",
    log:
        "results/logs/{run}/tables/{table}.log",
    wildcard_constraints:
        table=one_of(tables_of(CompletenessTable)),
    conda:
        "../../envs/tables.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        rows=completeness_rows,
        spec=table_spec,
        title=protocol_title,
        retrain=project.label(RETRAIN),
        note=lambda wildcards: scoring_note(project.tables.tables[wildcards.table]),
        code=code_digest("scripts/completeness_table.py"),
    message:
        "Make {wildcards.table}"
    script:
        "../../scripts/completeness_table.py"


rule bias_table:
    input:
        compared=bias_files,
    output:
        csv=f"{TABLE}.csv",
        md=f"{TABLE}.md",
        tex=f"{TABLE}.tex",
    log:
        "results/logs/{run}/tables/{table}.log",
    wildcard_constraints:
        table=one_of(tables_of(BiasTable)),
    conda:
        "../../envs/tables.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        rows=bias_rows,
        spec=table_spec,
        title=protocol_title,
        again=again_label,
        code=code_digest("scripts/bias_table.py"),
    message:
        "Make {wildcards.table}"
    script:
        "../../scripts/bias_table.py"


rule claims_table:
    input:
        per_user=lambda wildcards: row_files(claims_rows(wildcards), "per_user"),
        cohorts=lambda wildcards: row_files(claims_rows(wildcards), "cohort"),
        costs=lambda wildcards: row_files(claims_rows(wildcards), "cost"),
        times=source_table("time"),
    output:
        csv=f"{TABLE}.csv",
        md=f"{TABLE}.md",
        tex=f"{TABLE}.tex",
    log:
        "results/logs/{run}/tables/{table}.log",
    wildcard_constraints:
        table=one_of(tables_of(ClaimsTable)),
    localrule: True
    conda:
        "../../envs/tables.yaml"
    params:
        rows=claims_rows,
        spec=table_spec,
        names={
            "cragru": CRAGRU_LABEL,
            "no_llm": NO_LLM,
            "original": project.label(ORIGINAL),
            "retrain": project.label(RETRAIN),
        },
        note=lambda wildcards: scoring_note(
            project.tables.tables[project.tables.tables[wildcards.table].utility]
        ),
        code=code_digest("scripts/claims_table.py"),
    message:
        "Make {wildcards.table}"
    script:
        "../../scripts/claims_table.py"


rule size_table:
    input:
        costs=lambda wildcards: row_files(size_rows(wildcards), "cost"),
        times=source_table("time"),
        statistics=expand(
            rules.prepare.output.statistics, dataset=project.settings.datasets
        ),
    output:
        csv=f"{TABLE}.csv",
        md=f"{TABLE}.md",
        tex=f"{TABLE}.tex",
    log:
        "results/logs/{run}/tables/{table}.log",
    wildcard_constraints:
        table=one_of(tables_of(SizeTable)),
    localrule: True
    conda:
        "../../envs/tables.yaml"
    params:
        rows=size_rows,
        labels=[
            project.registry.datasets[name].title for name in project.settings.datasets
        ],
        spec=table_spec,
        titles=size_titles,
        retrain=project.label(RETRAIN),
        code=code_digest("scripts/size_table.py"),
    message:
        "Make {wildcards.table}"
    script:
        "../../scripts/size_table.py"


rule forget_remain_figure:
    input:
        measures=lambda wildcards: row_files(
            forget_remain_rows(wildcards), "forget_remain"
        ),
        cohorts=lambda wildcards: row_files(forget_remain_rows(wildcards), "cohort"),
    output:
        csv=f"{FIGURE}.csv",
        pdf=f"{FIGURE}.pdf",
        png=f"{FIGURE}.png",
    log:
        "results/logs/{run}/figures/{figure}.log",
    wildcard_constraints:
        figure=one_of(figures_of(ForgetRemainFigure)),
    localrule: True
    conda:
        "../../envs/tables.yaml"
    params:
        rows=forget_remain_rows,
        spec=figure_spec,
        note=lambda wildcards: scoring_note(project.figures.figures[wildcards.figure]),
        code=code_digest("scripts/forget_remain_figure.py"),
    message:
        "Draw {wildcards.figure}"
    script:
        "../../scripts/forget_remain_figure.py"

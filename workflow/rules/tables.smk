# Tables: each is a file target of its own and costs only what it needs. `snakemake table1` and so on name them.
TABLE = "results/{run}/tables/{table}"


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
        per_user=per_user_files,
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
        cells=table_labels,
        spec=table_spec,
        title=protocol_title,
        code=code_digest("scripts/utility_table.py"),
    message:
        "Make {wildcards.table}"
    script:
        "../../scripts/utility_table.py"


for table in project.tables.tables:

    rule:
        name:
            table
        input:
            table_files(table),
        localrule: True

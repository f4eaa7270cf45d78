# Tables, figures and tests of differences: each is a file target of its own and costs only what it needs.
rule table:
    input:
        unpack(showing.inputs),
    output:
        **places.ended(places.TABLE, places.TABLE_ENDINGS),
    log:
        f"{places.LOGS}/{{run}}/tables/{{table}}.log",
    wildcard_constraints:
        table=one_of(project.tables.tables),
    conda:
        "../../envs/tables.yaml"
    threads: 1
    resources:
        mem_mb=needs.memory(1500, 300),
        runtime=needs.minutes(30, 30),
    params:
        rows=showing.rows,
        spec=showing.spec,
        words=showing.words,
        maker=showing.maker,
        code=showing.code("scripts/table.py"),
    message:
        "Make {wildcards.table}"
    script:
        "../../scripts/table.py"


rule figure:
    input:
        unpack(showing.inputs),
    output:
        **places.ended(places.FIGURE, ("csv", "pdf", "tex")),
        png=report(
            f"{places.FIGURE}.png",
            caption="../report/figure.rst",
            category="Figures",
            labels={"figure": "{figure}"},
        ),
    log:
        f"{places.LOGS}/{{run}}/figures/{{figure}}.log",
    wildcard_constraints:
        figure=one_of(project.figures.figures),
    localrule: True
    conda:
        "../../envs/tables.yaml"
    params:
        rows=showing.rows,
        spec=showing.spec,
        words=showing.words,
        maker=showing.maker,
        code=showing.code("scripts/figure.py"),
    message:
        "Draw {wildcards.figure}"
    script:
        "../../scripts/figure.py"


rule differences:
    input:
        rows=showing.tested_files,
    output:
        csv=places.DIFFERENCES,
    log:
        f"{places.LOGS}/{{run}}/tables/{{table}}-differences.log",
    wildcard_constraints:
        table=one_of(showing.tested),
    conda:
        "../../envs/tables.yaml"
    threads: 1
    resources:
        mem_mb=needs.memory(1500, 300),
        runtime=needs.minutes(30, 30),
    params:
        rows=showing.tested_rows,
        spec=showing.tested_spec,
        words=showing.tested_words,
        code=code_digest("scripts/differences.py"),
    message:
        "Test differences of {wildcards.table}"
    script:
        "../../scripts/differences.py"


# `snakemake table1` and so on name them.
for name, entry in project.tables.tables.items():

    rule:
        f"{first_words(entry.caption)}"
        name:
            name
        input:
            showing.table_files(name),
        localrule: True


for name, entry in project.figures.figures.items():

    rule:
        f"{first_words(entry.caption)}"
        name:
            name
        input:
            showing.figure_files(name),
        localrule: True

# Files of tables and figures, and what their rules redo them for.
from cragru.config.tables import (
    BiasTable,
    ClaimsTable,
    CompletenessTable,
    CostTable,
    DatasetsTable,
    ForgetRemainFigure,
    SizeTable,
    StrategiesFigure,
    TimeTable,
    UtilityTable,
)

TABLE = "results/{run}/tables/{table}"
FIGURE = "results/{run}/figures/{figure}"


def tables_of(kind):
    """Names of the tables of a kind."""
    return [
        name for name, table in project.tables.tables.items() if isinstance(table, kind)
    ]


def figures_of(kind):
    """Names of the figures of a kind."""
    return [
        name
        for name, figure in project.figures.figures.items()
        if isinstance(figure, kind)
    ]


def table_files(table):
    """The files of a table: its own, and the tests of its differences where it has such."""
    endings = [".csv", ".md", ".tex"]
    if table in TESTED:
        endings.append("-differences.csv")
    return [TABLE.format(run=RUN, table=table) + ending for ending in endings]


def tests_of(wildcards):
    """The tests of a table's differences, if it has such."""
    if wildcards.table not in TESTED:
        return []
    return f"{TABLE}-differences.csv".format(run=RUN, table=wildcards.table)


def figure_files(figure):
    """The files of a figure."""
    return [
        f"{FIGURE}.{{ending}}".format(run=RUN, figure=figure, ending=ending)
        for ending in ("csv", "pdf", "png")
    ]


TESTED = [
    name
    for name, spec in project.tables.tables.items()
    if isinstance(spec, UtilityTable) and spec.again
]


def table_spec(wildcards):
    """What the table's rule must redo the table for."""
    return project.tables.tables[wildcards.table].model_dump(mode="json")


def tested_spec(wildcards):
    """What of it the tests of differences must be redone for: no caption."""
    return project.tables.tables[wildcards.table].model_dump(
        mode="json", include={"mask", "cutoffs"}
    )


def figure_spec(wildcards):
    """What the figure's rule must redo the figure for."""
    return project.figures.figures[wildcards.figure].model_dump(mode="json")


def source_table(key):
    """The numbers of the table that a table names under a key."""
    return lambda wildcards: f"{TABLE}.csv".format(
        run=RUN, table=getattr(project.tables.tables[wildcards.table], key)
    )


def protocol_title(wildcards):
    """What captions call the table's protocol."""
    return project.protocols[project.tables.tables[wildcards.table].protocol].title


def paper_file(wildcards):
    """The paper's printed values of a table, if it has any."""
    paper = project.tables.tables[wildcards.table].paper
    return repository_file(paper) if paper else []

# Files of tables and figures, and what their rules redo them for.
from cragru.config.models import CostTable, DatasetsTable, TimeTable, UtilityTable

TABLE = "results/{run}/tables/{table}"
FIGURE = "results/{run}/figures/{figure}"


def tables_of(kind):
    """Names of the tables of a kind."""
    return [
        name for name, table in project.tables.tables.items() if isinstance(table, kind)
    ]


def table_files(table):
    """The files of a table."""
    return [
        f"{TABLE}.{{ending}}".format(run=RUN, table=table, ending=ending)
        for ending in ("csv", "md", "tex")
    ]


def figure_files(figure):
    """The files of a figure."""
    return [
        f"{FIGURE}.{{ending}}".format(run=RUN, figure=figure, ending=ending)
        for ending in ("csv", "pdf", "png")
    ]


def table_spec(wildcards):
    """What the table's rule must redo the table for."""
    return project.tables.tables[wildcards.table].model_dump(mode="json")


def figure_spec(wildcards):
    """What the figure's rule must redo the figure for."""
    return project.figures.figures[wildcards.figure].model_dump(mode="json")


def protocol_title(wildcards):
    """What captions call the table's protocol."""
    return project.protocols[project.tables.tables[wildcards.table].protocol].title


def paper_file(wildcards):
    """The paper's printed values of a table, if it has any."""
    paper = project.tables.tables[wildcards.table].paper
    return repository_file(paper) if paper else []

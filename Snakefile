# cragru: recommendation unlearning, from public data to the paper's tables.
#
# Paths (results/README.md has them in full; `/` stands between wildcards, `-` inside a name):
#   results/raw/{dataset}/                                      the publisher's files
#   results/{dataset}/prepared/                                 ids, interactions, statistics
#   results/{dataset}/{protocol}/{seed}[/{request}]/split/      forget, train, valid, test
#   results/{dataset}/{protocol}/{seed}[/{request}]/{backbone}/{method}/    model, cost, per-user results
#   results/{dataset}/{protocol}/{seed}/{backbone}/cragru/{source}/{strategy}/  candidates, and what a strategy keeps
#   results/{run}/tables/                                       tables of one configuration
from snakemake.utils import min_version

min_version("9.20")  # cache: on rules with several named outputs


configfile: f"{workflow.basedir}/config/config.yaml"  # also with --directory


include: "workflow/rules/common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/unlearn.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/retrieve.smk"
include: "workflow/rules/tables.smk"


rule all:
    default_target: True
    input:
        [table_files(table) for table in project.settings.tables],


onsuccess:
    if Path(f"results/{RUN}/tables").is_dir():
        print(f"Tables are in results/{RUN}/tables")

# cragru: recommendation unlearning, from public data to the paper's tables.
#
# Paths (results/README.md has them in full; `/` stands between wildcards, `-` inside a name):
#   results/raw/{dataset}/                                      the publisher's files
#   results/{dataset}/prepared/                                 ids, interactions, statistics
#   results/{dataset}/{protocol}/{seed}[/{request}]/split/      forget, train, valid, test
#   results/{dataset}/{protocol}/{seed}[/{request}]/{backbone}/{method}/    model, cost, per-user results, shards
#   results/{dataset}/{protocol}/{seed}/{backbone}/cragru/{source}/{strategy}/  candidates, and what a strategy keeps
#   results/{dataset}/{protocol}/{seed}/{backbone}/cragru/{source}/{strategy}/{order}/{llm}/{score}/{cohort}/
#                                                               prompts, an LLM's scores, new lists
#   results/{dataset}/{protocol}/{seed}/{request}/{backbone}/cragru/…/requester/    CRAGRU serves one request
#   results/llm/{llm}/                                          the model, and all answers that it ever gave
#   results/{run}/tables/, results/{run}/figures/               tables and figures of one configuration
#   results/{run}/certificates/{dataset}/{protocol}/{seed}[/{request}]/         what was forgotten, and what was made after
from snakemake.utils import min_version

min_version("9.20")  # cache: on rules with several named outputs


configfile: f"{workflow.basedir}/config/config.yaml"  # also with --directory


include: "workflow/rules/common.smk"
include: "workflow/rules/methods.smk"
include: "workflow/rules/cells.smk"
include: "workflow/rules/targets.smk"
include: "workflow/rules/rows.smk"
include: "workflow/rules/tested_rows.smk"
include: "workflow/rules/times.smk"
include: "workflow/rules/forgetting_rows.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/shards.smk"
include: "workflow/rules/unlearn.smk"
include: "workflow/rules/damping.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/retrieve.smk"
include: "workflow/rules/score.smk"
include: "workflow/rules/forgetting.smk"
include: "workflow/rules/requests.smk"
include: "workflow/rules/audit_files.smk"
include: "workflow/rules/audit.smk"
include: "workflow/rules/comparisons.smk"
include: "workflow/rules/tables.smk"


rule all:
    default_target: True
    input:
        [table_files(table) for table in project.settings.tables],
        [figure_files(figure) for figure in project.settings.figures],
        certificates(),


onsuccess:
    if Path(f"results/{RUN}/tables").is_dir():
        print(
            f"Tables are in results/{RUN}/tables, figures in results/{RUN}/figures"
        )

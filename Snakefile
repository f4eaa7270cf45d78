# cragru: recommendation unlearning, from public data to the paper's tables.
#
# cragru/plan/ says what a run makes and where (places.py); the rules say how. docs/architecture.md draws both.
from snakemake.utils import min_version

min_version("9.20")  # cache: on rules with several named outputs


configfile: f"{workflow.basedir}/config/config.yaml"  # also with --directory


include: "workflow/rules/common.smk"
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
include: "workflow/rules/audit.smk"
include: "workflow/rules/tables.smk"


rule all:
    default_target: True
    input:
        showing.run_files(),
        certificates.files(),


onstart:
    checked_or_exit(make_cache_folder, os.environ)


onsuccess:
    if Path(f"results/{settings.run}/tables").is_dir():
        print(
            f"Tables are in results/{settings.run}/tables, figures in results/{settings.run}/figures"
        )

# cragru: recommendation unlearning, from public data to the paper's tables.
#
# cragru/plan/ says what a run makes and where (places.py); the rules say how. docs/architecture.md draws both.
import gc
import sys
from pathlib import Path

from snakemake.logging import logger
from snakemake.settings.types import DeploymentMethod
from snakemake.utils import min_version

from cragru.config.given import read_files
from cragru.kept.machine import checked_or_exit
from cragru.plan.checkout import check_checkout, check_image, without_commit
from cragru.plan.screen import take_the_screen

# A plan makes millions of small objects that stay. To look through them all as often as Python does by default takes a
# seventh of the time of a large plan.
gc.set_threshold(100_000)
min_version("9.20")  # cache: on rules with several named outputs


root = Path(str(workflow.current_basedir))  # also with --directory
is_module = not workflow.modifier.is_main_snakefile()  # of somebody's own Snakefile
if not is_module:
    take_the_screen(workflow, logger)
default = f"{root}/config/config.yaml"
given = [] if is_module else workflow.config_settings.configfiles
checked_or_exit(check_checkout, root, sys.executable)
contents = checked_or_exit(read_files, [default, *given])


configfile: default


if DeploymentMethod.APPTAINER in workflow.deployment_settings.deployment_method:
    image = root / "image.sif"
    checked_or_exit(check_image, image)

    container: str(image)


include: "workflow/rules/common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/shards.smk"
include: "workflow/rules/unlearn.smk"
include: "workflow/rules/choose.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/retrieve.smk"
include: "workflow/rules/score.smk"
include: "workflow/rules/forgetting.smk"
include: "workflow/rules/requests.smk"
include: "workflow/rules/audit.smk"
include: "workflow/rules/tables.smk"
include: "workflow/rules/report.smk"


rule all:
    """All tables and figures of the run, and its certificates: what is made when no target is named"""
    default_target: True
    input:
        showing.run_files(),
        certificates.files(),
        certificates.requests_files(),


for one in workflow.modifier.rules:  # what `snakemake --list` prints of them
    one.docstring = one.docstring or as_line(one.message or "")


onstart:
    checked_or_exit(make_cache_folder, os.environ)
    unnamed = without_commit(root)
    if unnamed:
        print(f"cragru: {unnamed}")
    # later jobs need keys: that one is not there is said before the first
    planned = [
        (job.rule.name, job.wildcards) for job in workflow.dag.needrun_jobs()
    ]
    if any(name.startswith("certificate") for name, _ in planned):
        checked_or_exit(check_key, places.RESULTS, os.environ)
    for problem in checked_or_exit(scoring.check_secrets, planned):
        print(f"cragru: {problem}, if an answer is not in the store")


onerror:
    said = killed(Path(log[0]).read_text(errors="replace"))
    if said:
        print(f"cragru: {said}")


onsuccess:
    made = {
        job.rule.name for job in workflow.dag.needrun_jobs(exclude_finished=False)
    }
    for name in ["table", "figure"]:
        if name in made:
            print(f"{name.capitalize()}s are in results/{settings.run}/{name}s")
    if "page" in made:
        print(f"The page is {run_page.file()}")
    elif made & {"table", "figure"}:
        print("The target `report` puts them on one page")

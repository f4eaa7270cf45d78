"""What a dry run plans, and what every rule must declare."""

import json
import subprocess
import sys

import pytest
import yaml

from cragru.plan import places
from cragru.plan.loading import load_project
from cragru.plan.rows import row_files

REFUSAL = "purged"  # the rule that refuses to make a purged file again
ACTIONS = {
    "audit",
    "purge",
    "restore",
    "person",
}  # they look at, or delete, what is there: no file of theirs could be up to date
LIST_RULES = """
import json, re, sys
from pathlib import Path
from snakemake.api import SnakemakeApi
from snakemake.settings.types import ConfigSettings, ResourceSettings
with SnakemakeApi() as api:
    options = {"resource_settings": ResourceSettings(cores=1), "config_settings": ConfigSettings()}
    workflow = api.workflow(snakefile=Path(sys.argv[1]), workdir=Path(sys.argv[2]), **options)._workflow
    for rule in workflow.rules:
        print(json.dumps({
            "name": rule.name,
            "script": rule.script,
            "other_code": bool(rule.shellcmd or rule.is_run or rule.notebook or rule.wrapper),
            "outputs": len(rule.output),
            "named_outputs": len(list(rule.output.keys())),
            "log": len(rule.log),
            "message": rule.message,
            "environment": rule.conda_env and str((Path(rule.snakefile).parent / rule.conda_env).resolve()),
            "benchmark": bool(rule.benchmark),
            "cache": bool(rule.ruleinfo.cache),
            "code": "code" in rule.params.keys(),
            "line": rule.docstring,
            "paths": [re.sub(r"{(\\w+),[^}]*}", r"{\\1}", str(path)) for path in rule.output],
        }))
"""


@pytest.fixture(scope="module")
def rules(workflow, tmp_path_factory):
    """Every rule of the shipped configuration, as Snakemake has parsed it."""
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            LIST_RULES,
            str(workflow.sources / "Snakefile"),
            str(tmp_path_factory.mktemp("rules")),
        ],
        env=workflow.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return {rule["name"]: rule for rule in map(json.loads, done.stdout.splitlines())}


@pytest.fixture(scope="module")
def working(rules):
    """The rules that make something."""
    return {name: rule for name, rule in rules.items() if rule["outputs"] and name != REFUSAL}


def test_plan_of_the_shipped_configuration(workflow, tmp_path):
    assert workflow.plan(tmp_path) == {
        "download": 1,
        "prepare": 1,
        "split": 2,
        "apply_request": 1,  # Table III
        "build_prompts": 3,  # `none` on both backbones, and with Retrain's candidates on BPR
        "candidates": 4,  # of the original and of Retrain, on two backbones
        "certificate": 1,  # of `paper`
        "certificate_request": 1,  # of `one-user`
        "check_prompts": 3,
        "check_requester": 2,
        "cohort": 2,
        "collect_scores": 3,
        "convert_llm": 1,
        "compare_items": 10,  # llm-worth and Figure 4: the encoder
        "completeness": 18,  # Table IV, Figure 3; two further Retrains too
        "completeness_cragru": 3,
        "differences": 1,
        "draw_histories": 2,
        "encode_items": 1,
        "evaluate": 30,  # original and three methods three times, three with shards once
        "evaluate_controls": 4,
        "evaluate_cragru": 12,
        "figure": 3,
        "fit_controls": 4,
        "fit_strategy": 7,  # five on BPR, `none` on LightGCN, `none` with Retrain's candidates
        "fuse": 2,
        "partition": 12,  # three methods with shards on two backbones, two protocols
        "prepare_requester": 2,
        "requester_cost": 2,
        "rerank": 13,  # three of prompts, ten of the encoder
        "score_prompts": 1,  # one engine start for all of them
        "score_requesters": 1,
        "select_histories": 9,  # these, and `none` of training rows, for what is fused
        "table": 8,
        "train_original": 8,  # two protocols; three trainings under `paper`
        "train_shards": 6,
        "unlearn": 18,  # three methods without shards, three trainings
        "unlearn_request": 6,
        "unlearn_request_shards": 6,
        "unlearn_shards": 6,
        "all": 1,
    }


def test_plan_of_the_tiny_run(workflow, configure, tmp_path):
    assert workflow.plan(tmp_path, config=configure()) == {
        "download": 1,
        "prepare": 1,
        "split": 4,
        "train_original": 8,
        "unlearn": 8,
        "evaluate": 16,
        "table": 3,
        "certificate": 4,  # two protocols, two seeds
        "all": 1,
    }


def test_table1_trains_nothing(workflow, configure, tmp_path):
    planned = workflow.plan(tmp_path, "table1", config=configure())
    assert planned == {"download": 1, "prepare": 1, "table": 1, "table1": 1}


@pytest.mark.slow
def test_a_further_seed_plans_its_own_jobs_only(workflow, configure, on_one_core):
    more = configure(backbones=["bpr"], seeds=[1, 2, 3], tables=["table1", "table2"])
    planned = workflow.plan(on_one_core, config=more)
    made = {"split": 1, "train_original": 1, "unlearn": 1, "evaluate": 2, "certificate": 1}
    assert planned == made | {"table": 1, "all": 1}


def written():
    """Every template of a file or folder that the path grammar has."""
    folders = {
        name: value
        for name, value in vars(places).items()
        if name.isupper() and isinstance(value, str)
    }
    files = set(folders.values())
    for folder in (places.STATE, places.REQUEST):
        files |= set(places.split_files(folder).values())
    for folder in (places.ORIGINAL_FOLDER, places.METHOD, places.REQUEST_METHOD):
        files |= {*places.unlearned_files(folder).values(), *places.renewed_files(folder).values()}
    for folder in (places.SCORED, places.SERVICE):
        files |= {*places.prompt_files(folder).values(), *places.proof_files(folder).values()}
    for folder in (places.MODEL, places.REQUEST_MODEL, places.CELL, places.SERVICE):
        files |= set(places.measured_files(folder).values())
        names = (
            "PER_USER",
            "PER_USER_NO_LLM",
            "PER_USER_RANDOM_TIES",
            "COST",
            "MANIFEST",
        )
        files |= {f"{folder}/{folders[name]}" for name in (*names, "LISTS")}
        files |= {f"{folder}/{name}" for name in places.RECOMMENDED_OF.values()}
    names = ("SCORES", "COST", "MANIFEST", "FUSION", "FUSION_MANIFEST")
    files |= {f"{places.SCORED}/{folders[name]}" for name in names}
    files |= set(places.controls_files(places.CONTROLS_FOLDER).values())
    files |= {f"{places.CONTROLS_FOLDER}/{name}" for name in (places.LISTS, places.WEIGHTS)}
    for template, endings in (
        (places.TABLE, places.TABLE_ENDINGS),
        (places.FIGURE, places.FIGURE_ENDINGS),
        (places.IN_SERVICE, places.IN_SERVICE_ENDINGS),
    ):
        files |= set(places.ended(template, endings).values())
    for folder in (places.OF_STATE, places.OF_REQUEST):
        files |= set(places.certificate_files(folder).values())
    return files


def test_rules_write_what_the_path_grammar_has(rules):
    """No rule spells a path of its own, and no file that the plan or the audit asks for is one that no rule makes."""
    made = {path for rule in rules.values() for path in rule["paths"]}
    assert len(made) > 60
    assert made <= written()
    asked = [
        places.SELECTION_MANIFEST,
        places.FIT_MANIFEST,
        places.CANDIDATES_MANIFEST,
        places.PARTITION_MANIFEST,
    ]
    asked += [
        places.SHARDS_MANIFEST,
        places.PREPARED_MANIFEST,
        places.STATISTICS,
        places.COHORT,
        places.USER_GROUPS,
    ]
    asked += [
        places.ITEM_ROWS,
        places.CERTIFICATE,
        places.REQUEST_CERTIFICATE,
        places.DIFFERENCES,
        places.RECEIPT,
    ]
    assert set(asked) <= made


def test_every_file_of_a_row_is_made_by_one_rule(rules, workflow):
    """The rows of the shipped configuration, each file against the outputs of all rules."""
    outputs = [path for rule in rules.values() for path in rule["paths"]]
    config = yaml.safe_load((workflow.sources / "config/config.yaml").read_text())
    project = load_project(config, workflow.sources)
    files = row_files(project.rows)
    assert len(files) > 150
    for path in files:
        assert [template for template in outputs if places.is_at(template, path)], path


def test_rules_without_outputs_are_mere_targets(rules, working, workflow):
    shown = [
        yaml.safe_load((workflow.sources / f"config/{kind}.yaml").read_text())[kind]
        for kind in ("tables", "figures")
    ]
    targets = rules.keys() - working.keys() - ACTIONS
    assert targets == {
        "all",
        "retrieval",
        "tuning",
        "damping",
        "requests",
        "report",
        "package",
        REFUSAL,
        *shown[0],
        *shown[1],
    }
    assert {"table1", "table2", "claims", "figure3"} <= targets
    assert not [name for name in targets if rules[name]["script"] or rules[name]["other_code"]]


def test_an_action_runs_a_script_that_it_depends_on_and_logs_it(rules):
    for name in ACTIONS:
        action = rules[name]
        assert action["script"] and action["code"] and action["message"] and action["log"] == 1, (
            name
        )


def test_every_rule_runs_a_script_and_names_its_outputs(working):
    assert len(working) >= 9
    assert not [name for name, rule in working.items() if not rule["script"] or rule["other_code"]]
    assert not [name for name, rule in working.items() if rule["named_outputs"] != rule["outputs"]]


def test_every_rule_says_what_it_does_and_logs_it(working):
    assert not [name for name, rule in working.items() if not rule["message"] or rule["log"] != 1]


def test_every_rule_has_a_line_in_the_list(rules):
    """`snakemake --list` prints it; a table's is the beginning of its caption, a job's has no braces."""
    assert rules["table1"]["line"] == "Data sets (the paper's Table I)"
    assert rules["split"]["line"] == (
        "Forget and split DATASET by the protocol PROTOCOL, seed SEED"
    )
    assert not [name for name, rule in rules.items() if not rule["line"] or "{" in rule["line"]]


def test_every_rule_depends_on_its_code(working):
    assert not [name for name, rule in working.items() if not rule["code"]]


def test_every_rule_has_an_environment_file_of_the_project(working, workflow):
    shipped = {str(path.resolve()) for path in (workflow.sources / "envs").glob("*.yaml")}
    assert shipped
    assert {rule["environment"] for rule in working.values()} <= shipped


def test_no_rule_is_both_timed_and_shared(working):
    assert not [name for name, rule in working.items() if rule["benchmark"] and rule["cache"]]


def test_what_computes_with_torch_is_timed_and_nothing_else(working):
    timed = {name for name, rule in working.items() if rule["benchmark"]}
    costly = ("/train.yaml", "/llm.yaml")
    computing = {name for name, rule in working.items() if rule["environment"].endswith(costly)}
    assert timed == computing - {
        "fetch_llm",
        "convert_llm",
    }  # they wait for the network, or are shared
    assert {"train_original", "unlearn", "evaluate", "score_prompts"} <= timed


def test_what_comes_before_training_can_be_shared(working):
    assert {name for name, rule in working.items() if rule["cache"]} == {
        "download",
        "prepare",
        "split",
        "convert_llm",  # fetch_llm makes links to what is somebody's own
    }

"""What scripts state of their part in a deletion request: by hand, for it is the contract with the audit."""

import ast
from pathlib import Path

from cragru.core.roles import Role

SCRIPTS = Path(__file__).parents[2] / "scripts"
STATED = {
    "prepare": "prepares",
    "encode_items": "prepares",
    "train_original": "deploys",
    "partition": "deploys",
    "train_shards": "deploys",
    "split": "divides",
    "apply_request": "divides",
    "unlearn": "unlearns",
    "candidates": "reranks",
    "fit_strategy": "reranks",
    "select_histories": "reranks",
    "build_prompts": "reranks",
    "prepare_requester": "reranks",
    "collect_scores": "reranks",
    "rerank": "reranks",
    "requester_cost": "reranks",
    "fit_controls": "weighs",
    "compare_items": "weighs",
    "fuse": "weighs",
    "check_prompts": "proves",
}


def stated(script):
    """The role that a script gives to `stage`, or None."""
    calls = [node for node in ast.walk(ast.parse(script.read_text())) if isinstance(node, ast.Call)]
    (call,) = [call for call in calls if ast.unparse(call.func) == "stage"]
    roles = [ast.unparse(keyword.value) for keyword in call.keywords if keyword.arg == "role"]
    return Role[roles[0].removeprefix("Role.")] if roles else None


def test_every_script_states_what_it_does_about_a_request():
    found = {script.stem: stated(script) for script in sorted(SCRIPTS.glob("*.py"))}
    assert {name: role for name, role in found.items() if role is not None} == STATED
    assert set(STATED.values()) == set(Role)

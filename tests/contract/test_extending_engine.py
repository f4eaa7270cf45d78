"""An LLM engine is added as docs/extending.md says."""

import json

from tests.contract.extending import extend, run, section

ASK = """
import json, yaml
from pathlib import Path
from snakemake.iocontainers import Wildcards
from cragru.llm.answers import read_scores
from cragru.llm.base import Question
from cragru.llm.engines import open_engine
from cragru.plan.loading import load_project
from cragru.plan.scoring import Scoring
config = yaml.safe_load(Path("config/config.yaml").read_text())
config["scoring"]["llm"] = "in-order"
project = load_project(config, Path("."))
entry = project.llms.llms["in-order"]
ids = ["347", "12", "5"]
(answer,) = open_engine(entry, "model", {}, 1).ask([Question("Rate.", tuple(ids))])
wildcards = Wildcards(fromdict={"llm": "in-order", "form": "listwise"})
code = Scoring(project).engine_code("scripts/score_prompts.py")(wildcards)
print(json.dumps({"scores": read_scores(answer.text, ids), "roots": code["roots"]}))
"""


def test_the_page_adds_an_engine(tmp_path):
    sources = extend(tmp_path / "cragru", section("An LLM engine"))
    made = json.loads(run(sources, ASK))
    assert made["scores"] == [100, 99, 98]
    assert made["roots"] == [
        "scripts/score_prompts.py",
        "cragru.llm.forms.listwise",
        "cragru.llm.in_order",
    ]

"""Another Snakefile has this workflow as a module: its own configuration, its own rules, the same tables."""

import re
from pathlib import Path

import pytest
import yaml
from snakemake_calls import Workflow

PAGE = Path(__file__).parents[2] / "docs/library.md"
(EXAMPLE,) = re.findall(r"^```snakemake\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)


@pytest.fixture
def own(workflow, configure, tmp_path):
    """Calls Snakemake on a Snakefile that has the workflow as a module, which further lines may follow."""
    config = yaml.safe_load(configure(run="mine", tables=["table1", "table2"]).read_text())

    def own(*args, more="", **changes):
        said = {"cragru": config | changes, "of its own": "010"}
        (tmp_path / "own.yaml").write_text(yaml.safe_dump(said))
        text = EXAMPLE.replace("table2.csv", "table1.csv")  # which trains nothing
        text = text.replace("../cragru/Snakefile", str(workflow.sources / "Snakefile"))
        text = text.replace(
            '    config: config["cragru"]\n', '    config: config["cragru"]\n' + more
        )
        (tmp_path / "Snakefile").write_text(text)
        snakemake = Workflow(tmp_path, workflow.key)
        profile = workflow.sources / "profiles/default"
        return snakemake.run(tmp_path, "--workflow-profile", str(profile), *args)

    return own


@pytest.mark.slow
def test_a_table_is_made_for_a_rule_of_its_own(own, tmp_path):
    done = own()
    assert done.rc == 0, done.output
    assert (tmp_path / "summary.txt").read_text().splitlines()[1].startswith("Toy,40,60,")
    assert "Nothing to be done" in own().output


def test_all_of_it_can_be_planned(own):
    done = own("cragru_all", "--dry-run")
    assert done.rc == 0, done.output
    expected = {"cragru_split": 2, "cragru_train_original": 4, "cragru_table": 2}
    assert expected.items() <= done.jobs.items()


def test_a_wrong_key_is_told_in_a_line(own):
    done = own("--dry-run", runn="mine")
    assert done.rc == 1 and len(done.errors) == 1
    assert "runn" in done.errors[0]


def test_a_prefix_is_refused(own):
    done = own("--dry-run", more='    prefix: "below"\n')
    assert done.rc == 1 and "cragru: module: " in done.output

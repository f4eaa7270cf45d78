"""What a run prints, beside what Snakemake writes into its log: a line a job, and where to look when one has failed."""

import re

import pytest

LINE = re.compile(r"^\[ *(\d+)/(\d+)\] \d+:\d\d  (\w+)  (.*) \(.* s.*\)$", re.MULTILINE)
TABLE = "results/tiny/tables/table1"
RULES = ["download", "prepare", "table"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("screen")


@pytest.fixture(scope="module")
def made(workflow, configure, folder):
    return workflow.make(folder, "table1", config=configure())


def test_each_job_is_one_line_and_counts_rise_to_the_total(made):
    found = LINE.findall(made.output)
    assert [(int(done), int(total)) for done, total, *_ in found] == [(1, 3), (2, 3), (3, 3)]
    assert [rule for *_, rule, _ in found] == RULES
    assert "ids and canonical order" in found[1][-1]  # what its rule says of the job
    lines = made.output.splitlines()
    assert [line for line in lines if line.startswith("3 jobs") and "results/logs" in line]
    assert len(lines) <= len(found) + 4  # one at the start, two at the end, and the profile's


def test_the_end_names_what_was_made(made, folder):
    *_, tables, page = made.output.splitlines()
    (place,) = re.findall(r"results/\S+", tables)
    assert (folder / TABLE).with_suffix(".md").parent == folder / place
    assert "report" in page


def test_snakemakes_log_has_what_the_screen_has_not(made):
    assert made.jobs == dict.fromkeys([*RULES, "table1"], 1)
    assert made.log.count("Reason: ") == len(RULES) and "Reason: " not in made.output


def test_nothing_to_do_is_said(workflow, configure, made, folder):
    again = workflow.make(folder, "table1", config=configure())
    assert "Nothing to be done" in again.output and not LINE.search(again.output)


def test_a_dry_run_has_jobs_and_reasons_as_before(workflow, configure, made, folder):
    planned = workflow.make(
        folder, "table1", "--dry-run", "--forcerun", "prepare", config=configure()
    )
    assert planned.jobs == {"prepare": 1, "table": 1, "table1": 1}
    assert len(re.findall(r"^Job \d+: .*\nReason: ", planned.output, re.MULTILINE)) == 2
    assert not LINE.search(planned.output)


def test_the_whole_output_is_there_for_who_asks(workflow, configure, made, folder):
    done = workflow.make(folder, "table1", "--verbose", "--forcerun", "table", config=configure())
    assert "Job stats:" in done.output and "Finished jobid:" in done.output
    assert not LINE.search(done.output)


def test_a_failed_job_has_its_error_and_its_log_and_the_end_snakemakes(
    workflow, configure, tmp_path
):
    refused = workflow.run(tmp_path, "table1", config=configure(data_dir=None))
    assert refused.rc == 1
    (error,) = refused.errors
    lines = refused.output.splitlines()
    failed = lines[lines.index(error) + 1]
    assert failed.startswith("[fail") and "  download  " in failed
    (log,) = re.findall(r"results/logs/\S+", failed)
    assert error.removeprefix("cragru: ") in (tmp_path / log).read_text()
    (whole,) = re.findall(rf"{tmp_path}\S+\.log", refused.output)
    assert "0 of 3" in next(line for line in lines if whole in line)
    assert "CalledProcessError" in refused.log and "CalledProcessError" not in refused.output

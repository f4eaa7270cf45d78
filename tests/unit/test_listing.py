"""What `--list` and dry runs say: lines of rules, and times by hand from benchmarks of earlier runs."""

import pytest

from cragru.plan.listing import as_line, expected_time, first_words

BENCHMARKS = "results/benchmarks"


@pytest.fixture
def ran(tmp_path, monkeypatch):
    """Writes a benchmark as Snakemake does; the folder is the working one."""
    monkeypatch.chdir(tmp_path)

    def ran(name, seconds):
        path = tmp_path / BENCHMARKS / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"s\th:m:s\tmax_rss\n{seconds}\t0:00:00\t380.98\n")

    return ran


def of(*names):
    return expected_time([name and f"{BENCHMARKS}/{name}" for name in names])


def test_the_job_itself_before_others_of_its_rule(ran):
    ran("unlearn/toy/paper/1/bpr/scif.tsv", 100)
    ran("unlearn/toy/paper/1/bpr/retrain.tsv", 500)
    ran("evaluate/toy/paper/1/bpr/scif.tsv", 1000)
    assert of("unlearn/toy/paper/1/bpr/scif.tsv").startswith("about 2 minutes one after the other")


def test_of_the_others_those_that_share_most(ran):
    """Seed 3 of a method takes as long as its seeds 1 and 2, not as another method."""
    ran("unlearn/toy/paper/1/bpr/scif.tsv", 20)
    ran("unlearn/toy/paper/2/bpr/scif.tsv", 40)
    ran("unlearn/toy/paper/1/bpr/retrain.tsv", 500)
    assert of("unlearn/toy/paper/3/bpr/scif.tsv").startswith("about 30 seconds")


def test_jobs_without_a_time_are_counted(ran):
    ran("evaluate/toy/paper/1/bpr/scif.tsv", 60)
    said = of("evaluate/toy/paper/1/bpr/scif.tsv", "unlearn/toy/paper/1/bpr/scif.tsv", None)
    assert said.startswith("about 60 seconds") and said.endswith("2 of 3 jobs have no time yet")


def test_no_time_is_not_zero(ran):
    said = of("evaluate/toy/paper/1/bpr/scif.tsv", None)
    assert "not known" in said and "about" not in said


@pytest.mark.parametrize(
    ("caption", "line"),
    [
        ("Data sets (Table I). Users are counted.", "Data sets (Table I)"),
        ("Whom unlearning hurt: by group.", "Whom unlearning hurt"),
        ("word " * 40, " ".join(["word"] * 19) + " …"),
    ],
)
def test_the_first_words_of_a_caption(caption, line):
    assert first_words(caption) == line


def test_wildcards_of_a_message_stand_in_capitals():
    line = as_line("Train {wildcards.backbone}, seed {wildcards.seed}")
    assert line == "Train BACKBONE, seed SEED"

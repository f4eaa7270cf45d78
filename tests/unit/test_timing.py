"""How long a run still has, by hand: from benchmarks of earlier runs, and from what the run itself has shown."""

import pytest

from cragru.plan.timing import DOUBT, SHORT, Forecast, Planned, Times

BENCHMARKS = "results/benchmarks"


@pytest.fixture
def ran(tmp_path, monkeypatch):
    """Writes a benchmark as Snakemake does; the folder is the working one."""
    monkeypatch.chdir(tmp_path)

    def ran(name, seconds):
        path = tmp_path / BENCHMARKS / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"s\th:m:s\tmax_rss\n{seconds}\t0:00:00\t380.98\n")
        return f"{BENCHMARKS}/{name}"

    return ran


def timed(name, threads=1):
    return Planned(name.partition("/")[0], f"{BENCHMARKS}/{name}", threads)


def forecast(jobs, cores=1):
    return Forecast(dict(enumerate(jobs)), cores, Times(), 0)


def test_without_earlier_runs_nothing_is_foretold_before_the_rule_has_run(ran):
    jobs = forecast([timed("train/1.tsv"), timed("train/2.tsv"), timed("train/3.tsv")])
    assert jobs.left(0) is None
    jobs.start(0, 0)
    ran("train/1.tsv", 40)
    jobs.finish(0, 40)
    assert jobs.left(40) == pytest.approx(80)


def test_one_rule_that_has_never_run_leaves_all_open(ran):
    ran("train/1.tsv", 40)
    assert forecast([timed("train/2.tsv")]).left(0) == pytest.approx(40)
    assert forecast([timed("train/2.tsv"), timed("score/1.tsv")]).left(0) is None


def test_cores_share_the_work_but_no_run_ends_before_its_longest_job(ran):
    for number in range(4):
        ran(f"train/{number}.tsv", 100)
    train = [timed(f"train/{number}.tsv") for number in range(4)]
    assert forecast(train, cores=2).left(0) == pytest.approx(200)
    assert forecast(train, cores=8).left(0) == pytest.approx(100)


def test_a_job_of_many_threads_counts_for_as_many_cores_as_there_are(ran):
    ran("score/1.tsv", 100)
    ran("score/2.tsv", 100)
    score = [timed("score/1.tsv", threads=16), timed("score/2.tsv", threads=16)]
    assert forecast(score, cores=2).left(0) == pytest.approx(200)


def test_what_runs_counts_for_what_it_has_left(ran):
    ran("train/1.tsv", 100)
    jobs = forecast([timed("train/1.tsv")])
    jobs.start(0, 0)
    assert jobs.left(60) == pytest.approx(40)
    assert jobs.left(150) == 0  # it takes longer than ever, and nobody knows by how much


def test_the_pace_is_that_of_the_run(ran):
    """Two cores, but one job at a time: after a while that counts, and not the number of cores."""
    for number in range(20):
        ran(f"train/{number}.tsv", 100)
    jobs = forecast([timed(f"train/{number}.tsv") for number in range(20)], cores=2)
    for number in range(10):
        jobs.start(number, 100 * number)
        jobs.finish(number, 100 * number + 100)
    assert jobs.left(1000) == pytest.approx(1000 * (1000 + DOUBT / 2) / (1000 + DOUBT))


def test_a_run_corrects_what_earlier_ones_wrote(ran):
    ran("train/old/1.tsv", 10)
    jobs = forecast([timed("train/new/1.tsv"), timed("train/new/2.tsv")])
    assert jobs.left(0) == pytest.approx(20)
    jobs.start(0, 0)
    ran("train/new/1.tsv", 300)
    jobs.finish(0, 300)
    assert jobs.left(300) == pytest.approx(300)


def test_jobs_that_are_not_timed_are_short_until_one_has_shown_more():
    jobs = forecast([Planned("table", None, 1) for _ in range(3)])
    assert jobs.left(0) == pytest.approx(3 * SHORT)
    jobs.start(0, 0)
    jobs.finish(0, 20)
    assert jobs.left(20) == pytest.approx(40)


def test_half_a_benchmark_is_none(ran, tmp_path):
    path = ran("train/1.tsv", 40)
    (tmp_path / path).write_text("s\th:m:s")
    assert Times().expected(path) is None


def test_a_benchmark_elsewhere_is_of_no_rule(ran):
    ran("train/1.tsv", 40)
    assert Times().expected("elsewhere/train/1.tsv") is None

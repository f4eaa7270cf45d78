"""How two processes share the tests: see tests/side_by_side.py."""

from pathlib import Path

from tests.side_by_side import ROOT, WITH_THE_LLM, group_of, place_of

FILES = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "tests").glob("*/test_*.py"))


def test_engines_of_the_llm_start_in_one_process():
    together = {Path(path).name for path in FILES if group_of(path) == WITH_THE_LLM}
    assert together >= {
        "test_scoring_run.py",
        "test_server_run.py",
        "test_time_run.py",
        "test_chat.py",
    }


def test_every_other_file_is_a_group():
    others = [path for path in FILES if group_of(path) != WITH_THE_LLM]
    assert len(others) > len(FILES) / 2
    assert [group_of(path) for path in others] == others


def test_whole_runs_come_first_and_unit_tests_last():
    names = (
        "workflow/test_run",
        "workflow/test_docs",
        "workflow/test_scoring_run",
        "unit/test_files",
        "unit/test_chat",
    )
    run, plans, scoring, unit, chat = (f"tests/{name}.py" for name in names)
    ordered = sorted(
        [unit, chat, plans, run, scoring], key=lambda path: place_of(path, {run, scoring, chat})
    )
    assert ordered == [scoring, run, plans, chat, unit]

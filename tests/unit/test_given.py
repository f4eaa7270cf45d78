"""What a person gives beside config.yaml: files laid over it, and words of the command line."""

import pytest
from snakemake.cli import parse_config
from snakemake.utils import update_config

from cragru.config.given import check_files, take_command_line
from cragru.core.errors import CragruError


def taken(*words, **below):
    """The configuration with words of the command line, laid over it as Snakemake does it and then by their meaning."""
    config, read = dict(below), parse_config(words)
    update_config(config, read)
    take_command_line(config, words)
    return config


def test_words_in_brackets_have_the_values_that_they_have_in_a_file():
    got = taken(
        "scoring={llm: null, tokens: 512, show_ratings: true}",
        "seeds=[1,2]",
        "methods=[retrain, none]",
        scoring={"llm": "a", "chunk": 24},
    )
    assert got == {
        "scoring": {"llm": None, "tokens": 512, "show_ratings": True, "chunk": 24},
        "seeds": [1, 2],
        "methods": ["retrain", "none"],
    }


@pytest.mark.parametrize("word", ["null", "~", "Null", ""])
def test_nothing_is_meant_by(word):
    assert taken(f"data_dir={word}", data_dir="a") == {"data_dir": None}
    assert taken(f"scoring={{llm: {word}}}", scoring={"llm": "a"}) == {"scoring": {"llm": None}}


def test_words_alone():
    got = taken("run='2024'", "device=cuda", "x_=true", "n_=3", "data_dir=a=b", "one_=None")
    assert got == {
        "run": "2024",
        "device": "cuda",
        "x_": True,
        "n_": 3,
        "data_dir": "a=b",
        "one_": "None",
    }


def test_words_that_are_not_what_they_look_like():
    with pytest.raises(CragruError) as caught:
        taken(
            "seeds=[010]", "run=a", "scoring={chunk: 1_000, llm: a, llm: b}", "run=b", "data_dir=@"
        )
    first, second, third, fourth, fifth = str(caught.value).split("; --config ")
    assert first.startswith(
        "--config seeds: 0: got 010 (line 1), which YAML takes for a number; write the number"
    )
    assert second == "scoring: llm: is there twice, in line 1 and line 1; keep one"
    assert third.startswith(
        "scoring: chunk: got 1_000 (line 1), which YAML takes for a number; write the number in"
    )
    assert fourth == "run: is there twice; keep one"
    assert fifth.startswith("data_dir: not valid YAML: ")


def test_every_problem_of_every_file_is_told(tmp_path):
    for name, text in {"a": "run: x\nrun: y\n", "b": "seeds: [010]\n", "c": "run: z\n"}.items():
        (tmp_path / f"{name}.yaml").write_text(text)
    with pytest.raises(CragruError) as caught:
        check_files([tmp_path / f"{name}.yaml" for name in "abc"])
    first, second = str(caught.value).split("; keep one; ")
    assert first == f"{tmp_path}/a.yaml: run: is there twice, in line 1 and line 2"
    assert second.startswith(
        f"{tmp_path}/b.yaml: seeds.0: got 010 (line 1), which YAML takes for a number"
    )
    check_files([tmp_path / "c.yaml"])

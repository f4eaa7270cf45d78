"""What a person gives beside config.yaml: files laid over it, and words of the command line."""

import pytest
from snakemake.cli import parse_config
from snakemake.common.configfile import load_configfile
from snakemake.utils import update_config

from cragru.config.given import read_files, take_command_line, take_files
from cragru.core.errors import CragruError
from tests.refusals import assert_told


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
    told = caught.value.problems
    assert len(told) == 5
    assert_told(told, place="--config seeds, line 1: 0", got="010")
    assert_told(told, place="--config scoring, line 1: llm", advice="keep one")
    assert_told(told, place="--config scoring, line 1: chunk", got="1_000")
    assert_told(told, place="--config run", advice="keep one")
    assert_told(told, place="--config data_dir, line 1")


def test_every_problem_of_every_file_is_told(tmp_path):
    for name, text in {"a": "run: x\nrun: y\n", "b": "seeds: [010]\n", "c": "run: z\n"}.items():
        (tmp_path / f"{name}.yaml").write_text(text)
    with pytest.raises(CragruError) as caught:
        read_files([tmp_path / f"{name}.yaml" for name in "abc"])
    told = caught.value.problems
    assert len(told) == 2
    assert_told(told, place=f"{tmp_path}/a.yaml, line 2: run", what="is there in line 1 already")
    assert_told(told, place=f"{tmp_path}/b.yaml, line 1: seeds.0", got="010")
    assert read_files([tmp_path / "c.yaml"]) == [{"run": "z"}]


def test_files_have_the_values_that_they_have_for_cragru(tmp_path):
    """Snakemake reads `1e-3` as a text, and has laid it over the configuration so."""
    texts = {"a": "x: {y: 1e-3, z: '1e-3', list: [1]}\n", "b": "x: {list: [1e-05]}\nw: 1\n"}
    for name, text in texts.items():
        (tmp_path / f"{name}.yaml").write_text(text)
    config = {}
    for name in texts:
        update_config(config, load_configfile(tmp_path / f"{name}.yaml"))
    assert config["x"]["y"] == "1e-3"
    take_files(config, read_files([tmp_path / f"{name}.yaml" for name in texts]))
    assert config == {"x": {"y": 0.001, "z": "1e-3", "list": [0.00001]}, "w": 1}

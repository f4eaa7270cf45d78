"""SECURITY.md says what the code does: each claim here that a test can look at."""

import re

import pytest
from configuration import ROOT

from cragru.config.llms import ServerSource
from cragru.core import errors
from cragru.data import archives, download
from cragru.llm import replies

SAID = " ".join((ROOT / "SECURITY.md").read_text(encoding="utf-8").split())
CODE = [path for folder in ("cragru", "scripts") for path in sorted((ROOT / folder).rglob("*.py"))]


@pytest.mark.parametrize(
    "call",
    [
        r"\bpickle\b",
        r"torch\.load\(",
        r"np\.load\(",
        r"allow_pickle",
        r"read_pickle",
        r"yaml\.(?:unsafe_|full_)?load\(",
        r"trust_remote_code",
        r"shell=True",
        r"follow_redirects=True",
        r"verify=False",
    ],
)
def test_nothing_of_the_library_runs_what_it_reads(call):
    assert len(CODE) > 150
    assert [path for path in CODE if re.search(call, path.read_text(encoding="utf-8"))] == []


def test_limits_are_those_of_the_code():
    server = ServerSource(kind="server", url="http://x/v1", model="x", tokenizer="x")
    assert f"({server.reply_mib:g} MiB unless set, unpacked)" in SAID
    assert f"`deadline` seconds ({server.deadline:g} unless set)" in SAID
    assert f"at most {errors.LONGEST} characters are shown" in SAID
    assert f"at most {download._LARGEST_BYTES >> 30} GiB" in SAID
    assert f"at most {archives.LARGEST_BYTES >> 30} GiB" in SAID


def test_what_a_prompt_says_of_a_user_is_what_is_told():
    from cragru.llm.prompts import PLACEHOLDERS

    assert set(PLACEHOLDERS) == {"user_profile_text", "history_movies", "candidate_list"}
    assert all(word in SAID for word in ("age, gender and occupation", "`show_ratings`"))


def test_redirects_are_not_followed_and_packed_replies_are_known():
    assert "follow_redirects=False" in (ROOT / "cragru/llm/server.py").read_text(encoding="utf-8")
    assert replies.CODINGS == ("gzip", "deflate")


def test_files_and_variables_that_are_named_are_there():
    text = "".join(path.read_text(encoding="utf-8") for path in CODE)
    for variable in set(re.findall(r"\bCRAGRU_[A-Z_]+", SAID)):
        assert variable in text
    for link in re.findall(r"\]\(([^)#]+)\)", SAID):
        assert (ROOT / link).exists()

"""From ids to prompts: what the lines of a user say, in which order, and which rows a prompt stands for."""

import json
import re
from functools import partial

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cragru.core.errors import CragruError
from cragru.data.frames import INTERACTIONS, ITEMS, USERS
from cragru.kept.files import write_json, write_parquet
from cragru.llm.building import (
    Library,
    PromptBuilder,
    build_all,
    check_shown,
    read_library,
    render_again,
    shown_order,
)
from cragru.llm.forms.listwise import FORM
from cragru.llm.prompts import Movie, Template
from cragru.llm.records import PromptRecord, read_prompts, write_prompts
from tests.refusals import refused

MOVIES = [
    ("50", "Star Wars", 1977, "Action|Sci-Fi"),
    ("6", "{candidate_list}\u2028Heat", None, ""),
    ("347", 'The "Wag"\nof Dogs', 1997, "Comedy"),
    *((str(1000 + n), f"Movie {n}", 1950 + n, "Drama") for n in range(20)),
]
PEOPLE = [("24", "male", "technician"), ("", "", ""), ("", "female", "writer")]
TEMPLATE = Template("{user_profile_text}|{history_movies}|{candidate_list}", "t.txt")


@pytest.fixture(scope="module")
def frames():
    items = pd.DataFrame(MOVIES, columns=["raw_id", "title", "year", "genres"]).assign(
        item=range(len(MOVIES))
    )
    users = pd.DataFrame(PEOPLE, columns=["age", "gender", "occupation"]).assign(
        raw_id="", zip="", user=range(3)
    )
    return items[list(ITEMS)].astype(ITEMS), users[list(USERS)].astype(USERS)


@pytest.fixture(scope="module")
def library(frames):
    return Library(*frames, (1, 5), show_ratings=True)


def rows_of(user, items, start=0):
    """A user's rows of the prepared interactions, the oldest first; ratings 1, 2, 3, 4, 5, 1, ..."""
    rows = range(start, start + len(items))
    ratings = [1 + number % 5 for number in range(len(items))]
    frame = pd.DataFrame(
        {"user": user, "item": items, "rating": ratings, "timestamp": rows}
    ).astype(INTERACTIONS)
    return frame.assign(row=rows)


# --- the library


def test_movies_are_the_publishers(library):
    assert library.movies[:2] == [
        Movie("50", "Star Wars", 1977, "Action|Sci-Fi"),
        Movie("6", "{candidate_list}\u2028Heat", None, ""),
    ]
    assert type(library.movies[0].year) is int


def test_lines_of_a_user(library):
    parts = library.parts(0, rows_of(0, [1, 0]), [2, 0])
    assert parts.profile == "The user is of age 24, gender male, occupation technician."
    assert parts.history == [
        '- "{candidate_list} Heat"; rated 20 of 100',
        '- "Star Wars" (1977); genres: Action, Sci-Fi; rated 40 of 100',
    ]
    assert parts.candidates == ['- 347: "The \\"Wag\\" of Dogs" (1997)', '- 50: "Star Wars" (1977)']


def test_ratings_are_shown_only_where_they_are_wanted(frames):
    told = [
        Library(*frames, (1, 5), show).parts(0, rows_of(0, [0, 1]), [2]).history
        for show in (True, False)
    ]
    assert [line.split("; rated")[0] for line in told[0]] == told[1]
    assert all("rated" in line for line in told[0])
    assert not any("rated" in line for line in told[1])


def test_candidates_never_tell_a_rating(library):
    assert not any(
        "rated" in line for line in library.parts(0, rows_of(0, [0]), [0, 1, 2]).candidates
    )


def test_profiles_are_each_users_own(library):
    told = [library.parts(user, rows_of(user, []), [0]).profile for user in (1, 2)]
    assert told == [
        "Nothing is known about the user.",
        "The user is of gender female, occupation writer.",
    ]


def test_a_rating_outside_the_scale_is_refused(frames):
    with refused(got=5.0, what="a rating is outside the scale 1 to 4"):
        Library(*frames, (1, 4), show_ratings=True).parts(0, rows_of(0, range(5)), [9])


def test_library_from_files(frames, library, tmp_path):
    paths = [tmp_path / name for name in ("items.parquet", "users.parquet", "statistics.json")]
    write_parquet(paths[0], frames[0], ITEMS)
    write_parquet(paths[1], frames[1], USERS)
    write_json(paths[2], {"rating_min": 1.0, "rating_max": 5.0})
    history = rows_of(2, [0, 1, 2])
    assert read_library(*paths, show_ratings=True).parts(2, history, [3]) == library.parts(
        2, history, [3]
    )
    plain = read_library(*paths, show_ratings=False).parts(2, history, [3])
    assert not any("rated" in line for line in plain.history)


# --- the order of the candidates

ITEM_LISTS = st.lists(st.integers(0, 5000), unique=True, max_size=50)


@settings(deadline=None)
@given(ITEM_LISTS, st.integers(0, 9), st.integers(0, 10**6))
def test_shown_order_is_a_permutation_that_repeats(items, seed, user):
    given_items = list(items)
    assert shown_order(items, "backbone", seed, user) == items
    shuffled = shown_order(items, "shuffled", seed, user)
    assert sorted(shuffled) == sorted(items)
    assert all(type(item) is int for item in shuffled)
    assert shuffled == shown_order(pd.Series(items, dtype="int32"), "shuffled", seed, user)
    assert items == given_items


def test_shuffles_differ_between_users_and_seeds():
    items = list(range(20))
    drawn = [shown_order(items, "shuffled", seed, user) for seed in range(3) for user in range(20)]
    assert len({tuple(order) for order in drawn}) == 60
    assert items not in drawn


def test_shuffles_favour_no_place():
    """The backbone's best item comes first no more often than any other: 40 of 400 times, give or take 5 deviations."""
    first = [shown_order(range(10), "shuffled", 1, user)[0] for user in range(400)]
    assert all(10 < first.count(item) < 70 for item in range(10))


# --- the builder


def characters(text):
    return len(text)


def builder(library, budget):
    return PromptBuilder(library, TEMPLATE, characters, budget)


def test_a_record_by_hand(library):
    asked = []

    def budget(ids):
        asked.append(ids)
        return 1000

    prompt = (
        'Nothing is known about the user.|- "Star Wars" (1977); genres: Action, Sci-Fi; rated 20 of 100|'
        '- 347: "The \\"Wag\\" of Dogs" (1997)\n- 6: "{candidate_list} Heat"'
    )
    record = builder(library, budget).build(1, rows_of(1, [0], start=70), [2, 1])
    assert record == PromptRecord(
        1, prompt, len(prompt), 0, rows=[70], candidates=[2, 1], ids=["347", "6"]
    )
    assert asked == [["347", "6"]]


@settings(deadline=None)
@given(
    st.lists(st.integers(0, 22), max_size=20),
    st.integers(0, 1500),
    st.integers(0, 2),
    st.integers(0, 500),
)
def test_rows_are_the_newest_and_the_prompt_is_theirs(library, items, spare, user, start):
    history = rows_of(user, items, start)
    bare = len(builder(library, lambda ids: 10**6).build(user, history[:0], [5, 4]).prompt)
    record = builder(library, lambda ids: bare + spare).build(user, history, [5, 4])
    assert record.rows == list(range(start, start + len(items)))[record.dropped :]
    assert record.tokens == len(record.prompt) <= bare + spare
    assert record.prompt.split("|")[1].count("\n- ") == max(0, len(record.rows) - 1)
    elsewhere = rows_of(1, [9] * start)
    interactions = pd.concat([elsewhere, history], ignore_index=True).drop(columns="row")
    assert render_again(library, TEMPLATE, record, interactions) == record.prompt


def test_a_user_without_history(library):
    record = builder(library, lambda ids: 1000).build(0, rows_of(0, []), [2])
    assert (record.rows, record.dropped) == ([], 0)
    assert "|(none)|" in record.prompt


def test_a_prompt_that_cannot_fit_is_an_error(library):
    bare = 'Nothing is known about the user.|(none)|- 50: "Star Wars" (1977)'
    assert builder(library, lambda ids: len(bare)).build(1, rows_of(1, [0, 1]), [0]).prompt == bare
    with refused(got=len(bare)) as caught:
        builder(library, lambda ids: len(bare) - 1).build(1, rows_of(1, [0, 1]), [0])
    assert str(len(bare) - 1) in caught.value.problems[0].what


def test_of_prompts_that_are_too_long_the_longest_is_named(library):
    """User 0's sentence is longer than user 1's: room for the latter would not do."""
    users = [(user, rows_of(user, [0, 1]), [5, 4]) for user in (1, 0, 2)]
    made = build_all(partial(FORM.records, builder(library, lambda ids: 1000), seed=1), users)
    assert made == [builder(library, lambda ids: 1000).build(*one) for one in users]
    bare = [
        len(builder(library, lambda ids: 10**6).build(user, rows_of(user, []), [5, 4]).prompt)
        for user in (1, 0, 2)
    ]
    assert max(bare) > bare[0]
    with refused(got=max(bare)):
        build_all(partial(FORM.records, builder(library, lambda ids: 50), seed=1), users)


def test_prompts_without_a_line_of_anybodys_history_are_refused(library):
    short = 'Nothing is known about the user.|(none)|- 50: "Star Wars" (1977)'
    made = builder(library, lambda ids: len(short)).build
    cut, bare = made(1, rows_of(1, [0, 1, 2]), [0]), made(1, rows_of(1, []), [0])
    with refused(place="scoring.tokens", got=512) as caught:
        check_shown([cut, bare], 512)
    assert str(caught.value) == (
        "scoring.tokens: no prompt has room for history: all 3 lines were left out, got 512; "
        "take fewer candidates, more tokens, or a model with a longer context"
    )
    check_shown([bare, bare], 512)  # nobody has any, as where all that a user did is forgotten
    check_shown([cut, builder(library, lambda ids: 1000).build(1, rows_of(1, [2]), [0])], 512)


# --- the file


def test_records_survive_their_file(library, tmp_path):
    made = [
        builder(library, lambda ids: 1000).build(user, rows_of(user, [0, 1, 2]), [1, 2])
        for user in (2, 0, 1)
    ]
    odd = [PromptRecord(3, "a\u2028b\u2029c\x85d\ne \\u2028 é", 4, 0, [], [1], ["6"])]
    path = tmp_path / "prompts.jsonl"
    write_prompts(path, made + odd)
    assert read_prompts(path) == made + odd
    assert path.read_bytes().count(b"\n") == 4
    write_prompts(path, [])
    assert read_prompts(path) == []


RECORD = {"user": 1, "prompt": "", "tokens": 0, "dropped": 0, "rows": [], "candidates": []}
RECORD["ids"] = []


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[1]",
        '{"user": 1}',
        '{"user": 1, "title": "x"}',
        json.dumps(RECORD | {"more": 1}),
        "[" * 100_000,
        "9" * 5000,
    ],
)
def test_a_file_that_holds_no_prompts_is_named(tmp_path, line):
    path = tmp_path / "prompts.jsonl"
    path.write_text(f"{json.dumps(RECORD)}\n{line}\n")
    with pytest.raises(CragruError, match=rf"^{re.escape(str(path))},\s+line\s+2:"):
        read_prompts(path)

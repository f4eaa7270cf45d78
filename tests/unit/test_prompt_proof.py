"""The proof that prompts hold nothing forgotten: it passes what is clean and names what is not."""

from dataclasses import replace

import pandas as pd
import pytest

from cragru.core.errors import NOTHING, CragruError
from cragru.data.frames import INTERACTIONS, ITEMS, USERS
from cragru.data.parts import PARTS
from cragru.llm.building import Library, PromptBuilder
from cragru.llm.prompts import Template
from cragru.llm.proof import check_prompts
from tests.refusals import refused

WHERE = "cell/prompts.jsonl"
TEMPLATE = Template("{user_profile_text}|{history_movies}|{candidate_list}", "t.txt")
# row: user, item, part; items 0 and 4 have the same title, and user 0 has seen the one and asked to forget the other
ROWS = [
    (0, 0, "train"),
    (0, 1, "train"),
    (0, 2, "valid"),
    (0, 3, "test"),
    (0, 4, "forget"),
    (0, 5, "forget-heldout"),
    (1, 4, "train"),
    (1, 6, "valid"),
    (1, 3, "test"),
    (1, 7, "lost"),
]
TITLES = ["Twins", "Heat", "Alien", "Brazil", "Twins", "Fargo", "Ran", "Big", "Jaws"]


@pytest.fixture
def interactions():
    frame = pd.DataFrame(
        {"user": [row[0] for row in ROWS], "item": [row[1] for row in ROWS], "rating": 4.0}
    )
    return frame.assign(timestamp=range(len(ROWS))).astype(INTERACTIONS)


@pytest.fixture
def parts(interactions):
    """The split; row 9 is in no part of it, as if it had been lost."""
    numbered = interactions.assign(row=range(len(ROWS)), part=[row[2] for row in ROWS])
    return {name: numbered[numbered["part"] == name].drop(columns="part") for name in PARTS}


@pytest.fixture
def library():
    items = pd.DataFrame(
        {"item": range(9), "raw_id": [str(900 + n) for n in range(9)], "title": TITLES}
    )
    users = pd.DataFrame(
        {
            "user": range(2),
            "raw_id": "",
            "age": ["24", ""],
            "gender": "",
            "occupation": "",
            "zip": "",
        }
    )
    items = items.assign(year=1990, genres="Drama").astype(ITEMS)
    return Library(items, users.astype(USERS), (1, 5), show_ratings=True)


@pytest.fixture
def made(interactions, library):
    """Writes the prompt of a user from rows and candidates, as the workflow does."""
    builder = PromptBuilder(library, TEMPLATE, len, lambda ids: 10_000)

    def build(user, rows, candidates):
        return builder.build(user, interactions.assign(row=range(len(ROWS))).iloc[rows], candidates)

    return build


@pytest.fixture
def check(interactions, parts, library):
    def checked(*records, template=TEMPLATE, parts=parts):
        return check_prompts(records, parts, interactions, library, template, WHERE)

    return checked


def refusal(check, *records, **changed):
    """The words of a refusal that names user 0, and the row if it is one."""
    with refused(place=f"{WHERE}: user 0") as caught:
        check(*records, **changed)
    assert "\n" not in str(caught.value)
    return caught.value.problems[0].what, caught.value.problems[0].got


def test_what_is_clean_passes_and_is_counted(check, made):
    assert check(made(0, [0, 1, 2], [7, 8]), made(1, [6, 7], [0, 1, 2])) == {
        "prompts": 2,
        "history_rows": 5,
        "forgotten_in_history": 0,
        "candidates": 5,
        "forgotten_candidates": 0,
    }


def test_a_history_may_be_short_or_empty(check, made):
    counts = check(made(0, [1], [7]), made(1, [], [0]))
    assert (counts["prompts"], counts["history_rows"]) == (2, 1)


def test_no_prompts(check):
    assert set(check().values()) == {0}


def test_a_forgotten_candidate_is_counted_and_no_error(check, made):
    """Item 4 is forgotten for user 0, who asked for it, and for nobody else."""
    counts = check(made(0, [0, 1], [4, 7, 8]), made(1, [7], [0, 1]))
    assert (
        counts["forgotten_candidates"],
        counts["candidates"],
        counts["forgotten_in_history"],
    ) == (1, 5, 0)
    assert check(made(1, [6], [4, 0]))["forgotten_candidates"] == 0


def test_a_title_that_is_forgotten_and_remembered_passes(check, made):
    record = made(0, [0, 1], [8])
    assert "Twins" in record.prompt
    assert check(record)["history_rows"] == 2


WRONG = [
    (4, 0, "forget"),
    (3, 0, "test"),
    (5, 0, "forget-heldout"),
    (6, 1, "train"),
    (7, 1, "valid"),
    (9, None, None),
]


@pytest.mark.parametrize(("row", "owner", "part"), WRONG)
@pytest.mark.parametrize("place", [0, 2])
def test_a_row_that_must_not_be_shown(check, made, row, owner, part, place):
    rows = [0, 1, 2]
    rows.insert(place, row)
    told = refusal(check, made(1, [6], [0]), made(0, rows, [7, 8]))
    whose = f"user {owner}, part {part}" if part else "nobody"  # the row is in no part
    assert told == (f"a row of {whose} is shown", row)


def test_the_whole_line_of_a_row_that_must_not_be_shown(check, made):
    with pytest.raises(CragruError) as caught:
        check(made(0, [4], [7]))
    assert str(caught.value) == (
        f"{WHERE}: user 0: a row of user 0, part forget is shown, got 4; nothing was scored; this is a bug of "
        "cragru, please report it"
    )


def test_a_pair_that_is_forgotten_in_one_row_and_kept_in_another(check, made, parts):
    """One row per user and movie at the most; were there two, a forgotten pair would still be a forgotten pair."""
    twice = {**parts, "forget": parts["forget"].assign(item=1)}
    told = refusal(check, made(0, [0, 1], [7]), parts=twice)
    assert told == ("a row of user 0, part train is shown", 1)


# a number that is no row of the data at all
def test_a_row_beyond_the_data(check, made):
    assert refusal(check, replace(made(0, [0], [7]), rows=[0, 10]))[1] == 10


def test_a_negative_row_is_none_of_the_split(check, made):
    told = refusal(check, replace(made(0, [0], [7]), rows=[-10]))
    assert told == ("a row of nobody is shown", -10)


ALTERED = [
    lambda record: {"prompt": record.prompt + " "},
    lambda record: {"prompt": record.prompt.replace("Heat", "Jaws")},
    lambda record: {
        "prompt": record.prompt.replace(
            "|- ", '|- "Twins" (1990); genres: Drama; rated 80 of 100\n- ', 1
        )
    },
    lambda record: {"rows": record.rows[1:]},
    lambda record: {"rows": record.rows[::-1]},
    lambda record: {"candidates": record.candidates[::-1]},
]


@pytest.mark.parametrize("alter", ALTERED)
def test_a_prompt_that_says_anything_else(check, made, alter):
    record = made(0, [0, 1, 2], [7, 8])
    altered = replace(record, **alter(record))
    assert altered != record
    assert refusal(check, made(1, [6], [0]), altered)[1] is NOTHING


def test_another_template_makes_other_prompts(check, made):
    other = Template("{history_movies}|{candidate_list}", "other.txt")
    assert refusal(check, made(0, [0], [7]), template=other)[1] is NOTHING


@pytest.mark.parametrize(
    "empty", [("forget",), ("forget-heldout",), ("forget", "forget-heldout", "test")]
)
def test_parts_may_be_empty(check, made, parts, empty):
    left = {name: part.iloc[:0] if name in empty else part for name, part in parts.items()}
    assert check(made(0, [0, 1, 2], [4]), parts=left)["history_rows"] == 3
    assert check(made(0, [0, 1, 2], [4]), parts=left)["forgotten_candidates"] == (
        "forget" not in empty
    )

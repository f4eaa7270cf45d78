"""Five films, two users and a split, small enough to write prompts of them by hand."""

import pandas as pd

from cragru.data.frames import INTERACTIONS, ITEMS, NOBODYS, USERS
from cragru.data.parts import PARTS
from cragru.llm.building import Library, PromptBuilder
from cragru.llm.prompts import Template
from cragru.llm.proof import check_prompts

TITLES = ["Alien", "Usual Suspects, The", "Heat", "Jaws\n- Ran", "Big"]
ROWS = [  # of the prepared interactions: user, item, part
    (0, 0, "train"),
    (0, 1, "valid"),
    (0, 2, "forget"),
    (0, 3, "test"),
    (1, 2, "train"),
]
WHERE = "cell/prompts.jsonl"


def interactions():
    """The prepared interactions; row k is at place k."""
    users, items, _ = zip(*ROWS, strict=True)
    frame = pd.DataFrame({"user": users, "item": items, "rating": 4.0, "timestamp": 0})
    return frame.astype(INTERACTIONS)


def history(*rows):
    """These rows, as prompts are built from them."""
    return interactions().assign(row=range(len(ROWS))).iloc[list(rows)]


def drawn(*items):
    """Items that were drawn to be a history that is nobody's."""
    return pd.DataFrame({"row": NOBODYS, "item": items, "rating": float("nan")})


def library(form):
    """The data set's words, in the lines of a form."""
    items = pd.DataFrame(
        {"item": range(5), "title": TITLES, "year": [1979, 1995, None, 1975, 1988]}
    )
    items = items.assign(raw_id=[str(901 + n) for n in range(5)], genres="Drama").astype(ITEMS)
    users = pd.DataFrame({"user": range(2), "age": ["24", ""], "gender": "", "occupation": ""})
    users = users.assign(raw_id="", zip="")[list(USERS)].astype(USERS)
    return Library(items, users, (1, 5), False, natural_titles=True, lines=form.lines)


def builder(form, template, budget=10_000):
    """Writes prompts whose tokens are their characters."""
    return PromptBuilder(library(form), Template(template, "t.txt"), len, lambda ids: budget)


def check(form, template, *records):
    """The proof's counts of these prompts."""
    rows = interactions().assign(row=range(len(ROWS)), part=[part for _, _, part in ROWS])
    parts = {name: rows[rows["part"] == name] for name in PARTS}
    words = library(form), Template(template, "t.txt")
    return check_prompts(records, parts, interactions(), *words, WHERE)

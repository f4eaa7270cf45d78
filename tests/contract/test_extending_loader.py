"""A data set with a loader of its own is added as docs/extending.md says."""

import json

from tests.contract.extending import OWN, extend, run, section

FILES = {
    "ratings.csv": "user,item,rating,timestamp\n30,7,9,50\n4,7,10,1970-01-01T00:00:20\n4,5,1,10\n4,9,2,30\n",
    "books.csv": "item,title,year,genres\n5,Five,1955,Drama\n7,Seven,,\n9,NA,1999,War\n",
}
WRONG = ["4,7,3,60\n4,7,3,60\n", "30,9,11,1\n", "30,8,2,1\n", "30,9,2,1.5.70\n"]
PREPARE = (
    f"WRONG = {WRONG!r}"
    + """
import json, yaml
from pathlib import Path
from cragru.core.errors import CragruError
from cragru.data.download import fetch
from cragru.data.prepare import prepare
from cragru.kept.files import read_parquet
from cragru.data.frames import INTERACTIONS, ITEMS
from cragru.plan.loading import load_project

def made():
    fetch(project.registry.datasets["books"].raw_files, "books", "raw")
    prepare("raw", "out", project.loaders("books"), project.own_files("books"))

def refusal(row):
    Path("mine/ratings.csv").write_text(whole + row)
    try:
        made()
    except CragruError as error:
        return str(error)

config = yaml.safe_load(Path("config/config.yaml").read_text()) | {"datasets": ["books"]}
project = load_project(config, Path("."))
whole = Path("mine/ratings.csv").read_text()
made()
rows = read_parquet("out/interactions.parquet", INTERACTIONS)
facts = json.loads(Path("out/statistics.json").read_text())
print(json.dumps({"rows": rows.values.tolist(), "titles": read_parquet("out/items.parquet", ITEMS)["title"].tolist(),
    "scale": [facts["rating_min"], facts["rating_max"]], "roots": project.loader_code("books")["roots"],
    "refusals": [refusal(row) for row in WRONG]}))
"""
)
REFUSALS = [
    "mine/ratings.csv, line 6: line 3 has the same user and item (and 1 further rows), got '4, 7'; "
    "keep one, or let the entry say `keep: {repeats: last}`",
    "mine/ratings.csv, line 6: off the scale, 1 to 10, got '11'; correct it and run again",
    "mine/ratings.csv, line 6: books.csv has no such item, got '8'; correct it and run again",
    "mine/ratings.csv, line 6, column 'timestamp': no time, got '1.5.70'; "
    "write seconds since 1970, or a date as 2024-12-31 or 2024-12-31T23:59:59",
]


def test_the_page_adds_a_data_set(tmp_path):
    """And what is wrong in a person's file is said of that file, not of its copy."""

    def here(entries):
        (source,) = entries["books"]["sources"]
        source["path"] = "mine"

    blocks = section("A data set and its loader")
    assert "datasets: [books]" in blocks.pop(OWN)
    sources = extend(tmp_path / "cragru", blocks, here)
    (sources / "mine").mkdir(parents=True)
    for name, text in FILES.items():
        (sources / "mine" / name).write_text(text)
    made = json.loads(run(sources, PREPARE))
    assert made["rows"] == [
        [0, 0, 1.0, 10],
        [0, 1, 10.0, 20],
        [0, 2, 2.0, 30],
        [1, 1, 9.0, 50],
    ]  # users 4, 30; items 5, 7, 9
    assert made["titles"] == ["Five", "Seven", "NA"]
    assert made["scale"] == [1.0, 10.0]
    assert made["roots"] == ["scripts/prepare.py", "cragru.data.books_csv"]
    assert made["refusals"] == REFUSALS

"""A data set with a loader of its own is added as docs/extending.md says."""

import hashlib
import json

from tests.contract.extending import extend, run, section

FILES = {
    "ratings.csv": "user,item,rating,timestamp\n30,7,9,50\n4,7,10,20\n4,5,1,10\n4,9,2,30\n",
    "books.csv": "item,title,year,genres\n5,Five,1955,Drama\n7,Seven,,\n9,NA,1999,War\n",
}
PREPARE = """
import json, yaml
from pathlib import Path
from cragru.data.download import fetch
from cragru.data.prepare import prepare
from cragru.kept.files import read_parquet
from cragru.data.frames import INTERACTIONS, ITEMS
from cragru.plan.loading import load_project
config = yaml.safe_load(Path("config/config.yaml").read_text()) | {"datasets": ["books"]}
project = load_project(config, Path("."))
entry = project.registry.datasets["books"]
fetch(entry.raw_files, "books", "raw", "mine")
prepare("raw", "out", project.loaders("books"))
rows = read_parquet("out/interactions.parquet", INTERACTIONS)
facts = json.loads(Path("out/statistics.json").read_text())
print(json.dumps({"rows": rows.values.tolist(), "titles": read_parquet("out/items.parquet", ITEMS)["title"].tolist(),
    "scale": [facts["rating_min"], facts["rating_max"]], "roots": project.loader_code("books")["roots"]}))
"""


def test_the_page_adds_a_data_set(tmp_path):
    def with_checksums(entries):
        (source,) = entries["books"]["sources"]
        source["members"] = {
            f"books/{name}": hashlib.sha256(t.encode()).hexdigest() for name, t in FILES.items()
        }

    blocks = section("A data set and its loader")
    sources = extend(tmp_path / "cragru", blocks, with_checksums)
    (sources / "mine/books").mkdir(parents=True)
    for name, text in FILES.items():
        (sources / "mine/books" / name).write_text(text)
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

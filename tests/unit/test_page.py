"""The page of a run: what stands on it, and what a browser makes of it."""

import json
import os
import re
import shutil
import subprocess
from collections import Counter

import pytest

from cragru.kept.files import write_json, write_text
from cragru.kept.manifest import sealed
from cragru.reporting.grid import Text, markdown
from cragru.reporting.made import Made, made_behind
from cragru.reporting.page import certificate_section, figure_section, table_section, write_page
from cragru.reporting.rule_graph import rule_graph

BROWSER = shutil.which("chromium")
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360f8ffff3f0005fe02fea735812a0000000049454e44ae426082"
)
ROWS = [
    ("Retrain", "0.30 ± 0.01"),
    ("SISA <b>", "0.9"),
    ("IFRU", "\N{MINUS SIGN}0.10"),
    ("SCIF", ""),
    ("Content", "0.10"),
]
needs_browser = pytest.mark.skipif(
    BROWSER is None and "CRAGRU_REQUIRE_BROWSER" not in os.environ,
    reason="needs a browser: apt-get install chromium",
)


@pytest.fixture
def page(tmp_path):
    """A page with a table, a figure and a certificate."""
    grid = [[Text(method), Text(value, mark="best" * (value == "0.9"))] for method, value in ROWS]
    write_text(tmp_path / "t.md", markdown(["Method", "NDCG"], grid, "A caption.", ["A note."]))
    write_text(tmp_path / "t.csv", "method,ndcg\n")
    for ending in ("csv", "pdf", "png"):
        (tmp_path / f"f.{ending}").write_bytes(PIXEL)
    write_text(tmp_path / "certificate.md", "# Certificate\n\n**Removed.** 3 interactions.\n")
    write_text(tmp_path / "certificate.json", "{}")
    files = {ending: [str(tmp_path / f"f.{ending}")] for ending in ("csv", "pdf", "png")}
    words = {
        "page": str(tmp_path / "certificate.md"),
        "certificate": str(tmp_path / "certificate.json"),
    }
    sections = {
        "Tables": [
            table_section("t", {"md": [str(tmp_path / "t.md")], "csv": [str(tmp_path / "t.csv")]})
        ],
        "Figures": [figure_section("f", files | {"caption": 'Bars of "all" users'})],
        "Certificates": [certificate_section("toy/paper/1", words)],
    }
    made = Made(
        Counter(split=1, table=2),
        {("split", "table")},
        ["0123456789abcdef"],
        ["x86"],
        {"torch": ["2"]},
    )
    path = tmp_path / "report.html"
    write_page(str(path), "tiny", {"run": "tiny", "seeds": [1]}, sections, made)
    return path


def test_it_holds_all_that_it_shows_and_asks_for_nothing(page):
    text = page.read_text()
    assert "SISA &lt;b&gt;" in text and "<b>" not in text
    assert "<p>A caption.</p>" in text and "<p>A note.</p>" in text
    assert 'alt="Bars of &#34;all&#34; users"' in text
    assert "<strong>Removed.</strong> 3 interactions." in text
    assert "0123456789ab" in text and "x86" in text and "seeds:" in text
    assert all(
        address.startswith(("data:", "#")) for address in re.findall(r'(?:src|href)="([^"]*)', text)
    )
    assert re.findall(r'download="([^"]*)"', text) == [
        "t.csv",
        "f.csv",
        "f.pdf",
        "certificate.json",
    ]


def browsed(page, script):
    """Return what a script leaves in the page's title, and what the console says."""
    asked = page.with_name("asked.html")
    asked.write_text(page.read_text().replace("</body>", f"<script>{script}</script></body>"))
    command = [
        BROWSER,
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--enable-logging=stderr",
    ]
    command += [f"--user-data-dir={page.parent / 'profile'}", "--dump-dom"]
    command += ["--virtual-time-budget=8000", asked.as_uri()]  # until promises are kept
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    console = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    return json.loads(re.search(r"<title>(.*?)</title>", done.stdout)[1]), console


@needs_browser
def test_tables_sort_and_filter_and_pictures_show(page):
    script = """
      const rows = () => [...document.querySelectorAll("#t tbody tr")].filter(row => !row.hidden);
      const order = () => rows().map(row => row.cells[0].textContent[0]).join("");
      const seen = [order()];
      const heads = document.querySelectorAll("#t th button");
      heads[1].click(); seen.push(order());
      heads[1].click(); seen.push(order());
      heads[0].click(); seen.push(order());
      const filter = document.querySelector("#t input");
      filter.value = "i 0.9"; filter.dispatchEvent(new Event("input")); seen.push(order());
      const image = document.querySelector("#f img");
      image.decode().then(() => { seen.push(image.naturalWidth); document.title = JSON.stringify(seen); });
    """
    seen, console = browsed(page, script)
    assert console == []
    assert seen == ["RSISC", "ICRSS", "SRCIS", "CIRSS", "S", 1]


def test_what_made_a_file_is_found_by_manifests(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    job = {"wildcards": {}, "params": {}, "commit": "c", "versions": {"torch": "2"}, "facts": {}}
    made = {
        "results/toy/split": ("split", ["results/raw/toy/u.data"], ["train.parquet"]),
        "results/toy/a": ("train", ["results/toy/split/train.parquet"], ["model"]),
        "results/toy/b": ("train", ["results/toy/split/train.parquet"], ["model"]),
        "results/run": ("table", ["results/toy/a/model", "results/toy/b/model"], ["table.csv"]),
    }
    for folder, (rule, inputs, outputs) in made.items():
        record = job | {"rule": rule, "inputs": dict.fromkeys(inputs, "0")}
        record |= {
            "outputs": {f"{folder}/{name}": "0" for name in outputs},
            "processor": folder[-1],
        }
        write_json(tmp_path / folder / "manifest.json", sealed(record))
    found = made_behind(["results/run/table.csv", "config/mine.csv"])
    assert found.jobs == {"table": 1, "train": 2, "split": 1}
    assert found.edges == {("train", "table"), ("split", "train")}
    assert (found.commits, found.versions) == (["c"], {"torch": ["2"]})
    assert sorted(found.processors) == ["a", "b", "n", "t"]


def test_the_drawing_has_each_rule_once_and_no_line_that_others_imply():
    edges = {("split", "train"), ("train", "table"), ("split", "table")}
    drawn = rule_graph({"split": 1, "train": 4, "table": 2}, edges)
    names = re.findall(r">([a-z]+)</text>", drawn)
    heights = map(float, re.findall(r'<rect x="[^"]*" y="([^"]*)"', drawn))
    assert sorted(zip(heights, names, strict=True)) == [
        (0, "split"),
        (64, "train"),
        (128, "table"),
    ]
    assert drawn.count("<path") == 2

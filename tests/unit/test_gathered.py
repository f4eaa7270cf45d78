"""Several runs on one page: each row with its run, and no folder whose numbers are not those of its jobs."""

import re
from pathlib import Path

from cragru.kept.files import sha256, write_json, write_text
from cragru.kept.manifest import sealed
from cragru.reporting.gathered import checked_files, gather, main
from cragru.reporting.grid import Text, markdown
from tests.refusals import refused

JOB = {"rule": "table", "wildcards": {}, "params": {}, "inputs": {}, "versions": {}, "facts": {}}


def a_run(folder, ndcg, notes=("A note.",), header=("Method", "NDCG"), commit="0123456789abcdef"):
    """A run's folder with one table of two rows."""
    tables = folder / "tables"
    tables.mkdir(parents=True)
    grid = [[Text("Retrain"), Text(ndcg)], [Text("A | B"), Text("0.1")]]
    write_text(tables / "table2.md", markdown(header, grid, "A caption.", notes))
    write_text(tables / "table2.csv", f"method,ndcg\nRetrain,{ndcg}\n")
    made = [tables / "table2.md", tables / "table2.csv"]
    outputs = {f"results/{folder.name}/tables/{path.name}": sha256(path) for path in made}
    record = JOB | {"outputs": outputs, "commit": commit}
    write_json(tables / "table2-manifest.json", sealed(record))
    return folder


def cells(page):
    rows = re.findall(r"<tr>\s*(.*?)\s*</tr>", page.read_text(), re.DOTALL)
    return [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in rows]


def test_rows_of_equal_columns_stand_in_one_table_with_their_run(tmp_path):
    folders = [
        a_run(tmp_path / "mine", "0.30"),
        a_run(tmp_path / "yours", "0.31", ["Another note."]),
    ]
    gather(folders, tmp_path / "all.html")
    assert cells(tmp_path / "all.html")[:5] == [
        ["Run", "Method", "NDCG"],
        ["mine", "Retrain", "0.30"],
        ["mine", "A | B", "0.1"],
        ["yours", "Retrain", "0.31"],
        ["yours", "A | B", "0.1"],
    ]
    text = (tmp_path / "all.html").read_text()
    assert "<p>A caption.</p>" in text  # of both: once
    assert "<p><em>mine:</em> A note.</p>" in text and "<em>yours:</em> Another note." in text
    assert re.findall(r'download="([^"]*)"', text) == ["mine-table2.csv", "yours-table2.csv"]
    assert cells(tmp_path / "all.html")[-2:] == [
        ["mine", "0123456789ab"],
        ["yours", "0123456789ab"],
    ]


def test_other_columns_are_another_table(tmp_path):
    folders = [
        a_run(tmp_path / "mine", "0.30"),
        a_run(tmp_path / "yours", "0.31", header=("Method", "HR")),
    ]
    gather(folders, tmp_path / "all.html")
    heads = [row for row in cells(tmp_path / "all.html") if row[0] == "Run"]
    assert heads == [["Run", "Method", "NDCG"], ["Run", "Method", "HR"]]


def test_a_folder_that_does_not_fit_its_manifests_is_refused(tmp_path):
    folder = a_run(tmp_path / "mine", "0.30")
    table = folder / "tables/table2.csv"
    table.write_text(table.read_text().replace("0.30", "0.99"))
    with refused(place=str(table)):
        checked_files(folder)
    table.unlink()
    with refused(place=str(table)):
        checked_files(folder)


def test_an_altered_manifest_is_refused(tmp_path):
    folder = a_run(tmp_path / "mine", "0.30")
    manifest = folder / "tables/table2-manifest.json"
    manifest.write_text(manifest.read_text().replace("0123456789abcdef", "f" * 16))
    with refused(place=str(manifest)):
        checked_files(folder)


def test_a_table_without_a_manifest_is_refused(tmp_path):
    folder = a_run(tmp_path / "mine", "0.30")
    write_text(folder / "tables/table9.md", "made up")
    with refused(place=str(folder / "tables/table9.md")):
        checked_files(folder)


def test_what_is_no_run_and_two_runs_of_one_name_are_refused(tmp_path, capsys):
    with refused(place=str(tmp_path)):
        checked_files(tmp_path)
    folders = [str(a_run(tmp_path / place / "mine", "0.30")) for place in ("a", "b")]
    assert main([*folders, "--to", str(tmp_path / "all.html")]) == 1
    assert folders[0] in capsys.readouterr().err
    assert not Path(tmp_path / "all.html").exists()
    assert main([folders[0], "--to", str(tmp_path / "all.html")]) == 0

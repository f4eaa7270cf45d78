"""What a maker is given: rows, words and the files that there are."""

from making import job

from cragru.reporting.base import Order


def test_an_order_has_the_sources_that_there_are(tmp_path):
    """The rows' files are inputs without a name of their own; an input that is left out is an empty list."""
    rows = [
        {
            "dataset": "ML",
            "seed": 1,
            "statistics": str(tmp_path / "statistics.json"),
            "cohort": None,
        }
    ]
    made = job(
        "table",
        tmp_path,
        "datasets_table",
        rows,
        {"mask": "A"},
        {"title": "by hand"},
        {"paper": "paper.csv"},
    )
    order = Order.of(made)
    assert made.input.rows == [rows[0]["statistics"]]
    assert order.further == {"paper": "paper.csv"}
    assert (order.rows, order.spec["mask"], order.words) == (rows, "A", {"title": "by hand"})

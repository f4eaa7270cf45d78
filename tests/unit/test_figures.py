import io
import logging
import math
import re
import time

import matplotlib.image
import matplotlib.style
import numpy as np
import pandas as pd
import pytest
from making import make
from metric_columns import metric_columns
from refusals import refused

from cragru.evaluation.bootstrap import Resampling
from cragru.evaluation.columns import PER_USER
from cragru.kept.files import write_json, write_parquet
from cragru.reporting import bars as bars_module
from cragru.reporting.bars import draw_bars
from cragru.reporting.measured import Measured
from cragru.reporting.strategies_figure import (
    COLUMNS,
    strategies_bars,
    strategies_data,
    strategies_note,
)

LABELS = [
    "Candidates, no LLM",
    "Latest history",
    "Random",
    "Preference",
    "Diversity",
    "Attention",
    "Retrain",
]
NOTE = (
    "n = 60 users; one seed. Error bars: standard error over users. A small LLM scores the 20 best candidates. "
    * 2
)


def per_user(ndcg, users=None, k=5, mask="A"):
    """NDCG of users 0, 1, ... at one cut-off under one mask; HR is another number, which no bar may show."""
    users = range(len(ndcg)) if users is None else users
    frame = {
        "user": users,
        "mask": mask,
        "k": k,
        **metric_columns(hr=9.0, ndcg=ndcg),
        "relevant": 1,
    }
    return pd.DataFrame(frame).astype(PER_USER)


def bars(label, *seeds, dataset="ML", backbone="BPR"):
    """A bar: one frame of results a seed."""
    return [
        Measured(dataset, backbone, label, number, frame, "pilot")
        for number, frame in enumerate(seeds, 1)
    ]


def data_of(measured, mask="A", cutoffs=(5,), against=None):
    """Bars of a figure, each held against the bars that `against` names by label."""
    held = {
        (row.dataset, row.backbone, row.method): {"no_llm": None, "random": None}
        | (against or {}).get(row.method, {})
        for row in measured
    }
    return strategies_data(measured, mask, cutoffs, held, Resampling(seed=0, resamples=400))


def plausible(panels, labels=LABELS):
    """What `strategies_data` could return."""
    cells = [(*panel, label, k) for panel in panels for label in labels for k in (5, 10, 20)]
    data = pd.DataFrame(cells, columns=["dataset", "backbone", "row", "k"])
    mean = 0.25 + 0.07 * np.arange(len(data)) / len(data)
    return data.assign(mean=mean, se_users=0.03, sd=np.nan, users=60.0, seeds=1)


def paths(folder, name="f"):
    return {ending: folder / f"{name}.{ending}" for ending in ("pdf", "png")}


def drawn(data, title="Title", note=NOTE):
    """The figure itself, laid out as it is written."""
    with matplotlib.style.context(bars_module.STYLE):
        figure = bars_module._figure(strategies_bars(data), title, note)
        figure.draw_without_rendering()
    return figure


# --- the numbers


def test_means_and_errors():
    frame = pd.concat(
        [per_user([0.5, 0, 1, 0]), per_user([0.5, 0.25, 1, 0], k=10), per_user([1, 1], k=3)]
    )
    frame = pd.concat([frame, per_user([1, 1], mask="B")])
    data = data_of(bars("Random", frame) + bars("Attention", frame), cutoffs=[5, 10])
    assert [*data] == COLUMNS
    assert [*zip(data["row"], data["k"], data["mean"], strict=True)] == [
        ("Random", 5, 0.375),
        ("Random", 10, 0.4375),
        ("Attention", 5, 0.375),
        ("Attention", 10, 0.4375),
    ]
    squares = 0.125**2 + 0.375**2 + 0.625**2 + 0.375**2  # of distances from 0.375
    assert data["se_users"][0] == pytest.approx(
        math.sqrt(squares / 3) / 2
    )  # n - 1, then the root of 4 users
    assert data["sd"].isna().all()
    assert (data["users"] == 4).all()
    assert (data["seeds"] == 1).all()


def test_spread_over_seeds_and_error_over_users():
    row = data_of(bars("Random", per_user([1, 0, 1]), per_user([1, 0, 0]))).iloc[0]
    assert row["mean"] == pytest.approx(1 / 2)  # of 2/3 and 1/3
    assert row["sd"] == pytest.approx((1 / 3) / math.sqrt(2))  # n - 1
    assert row["se_users"] == pytest.approx(0.5 / math.sqrt(3))  # users' means 1, 0, 1/2
    assert (row["users"], row["seeds"]) == (3, 2)


def test_panels_and_seeds_may_have_users_of_their_own():
    cells = bars("Random", per_user([1, 0]), per_user([1, 0, 0])) + bars(
        "Retrain", per_user([1, 0]), per_user([1, 1, 1])
    )
    cells += bars("Random", per_user([0.5]), backbone="LightGCN")
    data = data_of(cells)
    assert [*zip(data["backbone"], data["row"], data["users"], strict=True)] == [
        ("BPR", "Random", 2.5),
        ("BPR", "Retrain", 2.5),
        ("LightGCN", "Random", 1),
    ]


def test_bars_of_other_users_are_refused():
    cells = bars("Random", per_user([1, 0, 1])) + bars("Retrain", per_user([1, 0], users=[2, 3]))
    with refused(place="ML, BPR, Retrain, seed 1, mask A, K = 5", got=[0, 1, 3]) as caught:
        data_of(cells)
    assert str(caught.value) == (
        "ML, BPR, Retrain, seed 1, mask A, K = 5: not the users of ML, BPR, Random, seed 1, mask A, K = 5, "
        "got [0, 1, 3]; delete both and make them again, of one split and one cohort"
    )


def test_bars_without_a_wanted_cutoff_or_mask_are_refused():
    with refused(place="ML, BPR, Random, seed 1, mask A, K = 10", got=[0, 1]):
        data_of(bars("Random", per_user([1, 0])), cutoffs=[5, 10])
    with refused(place="ML, BPR, Random, seed 1, mask B, K = 5", what="no users"):
        data_of(bars("Random", per_user([1, 0])), "B")


# --- which differences are real

HELD = {  # each strategy against the candidates, and all but the control against the control
    "Random": {"no_llm": "Candidates"},
    "Attention": {"no_llm": "Candidates", "random": "Random"},
}


def differences(data, label, base):
    row = data[data["row"] == label].iloc[0]
    return [row[f"from_{base}"], row[f"from_{base}_low"], row[f"from_{base}_high"]]


def test_differences_are_paired_by_user():
    """Attention is .1 above the candidates for everybody; of unpaired users nobody could say that."""
    alone = [0.8, 0, 0.5, 0.2, 0.9, 0.1]
    better, other = [value + 0.1 for value in alone], [0.3] * 6
    bar = bars("Candidates", per_user(alone)) + bars("Random", per_user(other))
    data = data_of(bar + bars("Attention", per_user(better)), against=HELD)
    assert differences(data, "Attention", "no_llm") == pytest.approx([0.1] * 3)
    mean = np.mean(better) - 0.3
    value, low, high = differences(data, "Attention", "random")
    assert value == pytest.approx(mean)
    assert low < mean < high
    assert np.isnan(differences(data, "Random", "random")).all()
    assert np.isnan(differences(data, "Candidates", "no_llm")).all()


def test_the_interval_of_a_difference_is_as_wide_as_theory_says():
    rng = np.random.default_rng(5)
    alone = 0.5 * rng.random(400)
    better = alone + 0.2 * rng.random(400)
    bar = bars("Candidates", per_user(alone)) + bars("Random", per_user(better))
    value, low, high = differences(data_of(bar, against=HELD), "Random", "no_llm")
    error = np.std(better - alone, ddof=1) / 20
    assert value == pytest.approx(np.mean(better - alone))
    assert (low, high) == pytest.approx((value - 1.96 * error, value + 1.96 * error), abs=error / 2)


def test_a_user_under_several_seeds_is_one_user():
    one = bars("Candidates", per_user([0.1, 0.9, 0.4])) + bars("Random", per_user([0.3, 0.8, 0.4]))
    three = bars("Candidates", *[per_user([0.1, 0.9, 0.4])] * 3)
    three += bars("Random", *[per_user([0.3, 0.8, 0.4])] * 3)
    found = [differences(data_of(bar, against=HELD), "Random", "no_llm") for bar in (one, three)]
    assert found[0] == pytest.approx(found[1])


def test_a_difference_of_rounding_is_none():
    """.1 + .2 is not .3 in floats."""
    bar = bars("Candidates", per_user([0.1 + 0.2] * 4)) + bars("Random", per_user([0.3] * 4))
    assert differences(data_of(bar, against=HELD), "Random", "no_llm") == [0, 0, 0]


def note_of(data, about=""):
    return strategies_note(data, about, 0.95)


def test_the_note_without_anything_to_compare_with():
    one = data_of(bars("Random", per_user([1, 0])))
    assert note_of(one, "By hand.") == (
        "n = 2 users, the same for all bars of a panel; one seed. Error bars: standard error over users. By hand."
    )
    more = data_of(bars("Random", per_user([1, 0]), per_user([1, 0])))
    assert "mean over 2 seeds (of split and training)" in note_of(more)


def test_the_note_names_differences_beyond_users():
    """At the largest K alone."""
    frames = {
        "Candidates": [per_user([0.5] * 4), per_user([0.25] * 4, k=10)],
        "Random": [per_user([0.9] * 4), per_user([0.25, 0.5, 0, 0], k=10)],
        "Attention": [per_user([0.5] * 4), per_user([0.125, 0, 0.125, 0], k=10)],
    }
    cells = [bar for name, parts in frames.items() for bar in bars(name, pd.concat(parts))]
    note = note_of(data_of(cells, cutoffs=[5, 10], against=HELD))
    assert (
        "NDCG@10, user by user, less that of the candidates alone: the 95% interval over users leaves out 0 for "
        "ML, BPR: Attention \N{MINUS SIGN}0.188 [\N{MINUS SIGN}0.250, \N{MINUS SIGN}0.125]. "
    ) in note
    assert "Less that of random histories: it leaves out 0 for no bar. " in note
    assert note.endswith(
        "One interval in 20 leaves out 0 by chance. Fewer than 200 users: the intervals are rough. Fewer than 3 seeds: "
        "another split or training may differ more."
    )


def test_the_note_of_many_users_and_seeds_has_no_such_warning():
    rng = np.random.default_rng(6)
    seeds = [per_user(rng.random(300)) for _ in range(3)]
    data = data_of(bars("Candidates", *seeds) + bars("Random", *seeds), against=HELD)
    note = note_of(data)
    assert "leaves out 0 for no bar." in note
    assert "Fewer than" not in note and "random histories" not in note


# --- what is drawn


def test_bars_have_their_heights_and_errors():
    data = plausible([("ML-100K", "BPR")])
    (axis,) = drawn(data).axes
    assert axis.get_title() == "ML-100K, BPR"
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("K", "NDCG@K")
    assert [label.get_text() for label in axis.get_xticklabels()] == ["5", "10", "20"]
    assert axis.get_ylim()[0] == 0
    assert axis.get_ylim()[1] > (data["mean"] + data["se_users"]).max()
    heights = [bar.get_height() for bar in axis.patches]
    assert heights == pytest.approx(data["mean"].tolist())
    ends = [segment[:, 1] for lines in axis.collections for segment in lines.get_segments()]
    assert np.array(ends) == pytest.approx(np.array([data["mean"] - 0.03, data["mean"] + 0.03]).T)


def test_a_bar_keeps_its_place_where_another_is_missing():
    data = plausible([("ML", "BPR"), ("ML", "LightGCN")], ["Random", "Retrain"])
    whole, part = drawn(data[(data["backbone"] == "BPR") | (data["row"] == "Retrain")]).axes
    assert [bar.get_x() for bar in part.patches] == [bar.get_x() for bar in whole.patches[3:]]
    assert part.patches[0].get_facecolor() == whole.patches[3].get_facecolor()


def test_backbones_of_a_data_set_share_their_scale():
    data = plausible([("ML", "BPR"), ("ML", "LightGCN"), ("Other", "BPR")], ["Random"])
    data.loc[data["dataset"] == "Other", "mean"] = 0.9
    tops = [axis.get_ylim()[1] for axis in drawn(data).axes[:3]]
    assert tops[0] == tops[1] < tops[2]


def test_one_user_has_no_error_bar():
    data = plausible([("ML", "BPR")]).assign(se_users=np.nan, mean=0.0)
    (axis,) = drawn(data).axes
    assert axis.get_ylim() == (0, pytest.approx(0.0106))


PANELS = [
    (dataset, backbone)
    for dataset in ("ML-100K", "ML-1M", "Netflix")
    for backbone in ("BPR", "LightGCN")
]


@pytest.mark.parametrize(("panels", "labels"), [(1, 7), (1, 2), (3, 8), (6, 7), (2, 12)])
def test_nothing_overlaps(panels, labels):
    names = (LABELS + [f"{label}, candidates of Retrain" for label in LABELS])[:labels]
    figure = drawn(plausible(PANELS[:panels], names))
    shown = [axis for axis in figure.axes if axis.axison]
    assert [axis.get_title() for axis in shown] == [", ".join(panel) for panel in PANELS[:panels]]
    (legend,) = figure.legends
    assert {text.get_text() for text in legend.get_texts()} == set(names)
    assert (
        len({(patch.get_facecolor(), patch.get_hatch()) for patch in legend.get_patches()})
        == labels
    )
    note, heading = figure.texts
    page = figure.bbox
    boxes = [
        note.get_window_extent(),
        legend.get_window_extent(),
        *(a.get_tightbbox() for a in shown),
    ]
    boxes.append(heading.get_window_extent())
    assert all(page.x0 <= box.x0 and box.x1 <= page.x1 for box in boxes)
    assert all(page.y0 <= box.y0 and box.y1 <= page.y1 for box in boxes)
    assert not [(a, b) for place, a in enumerate(boxes) for b in boxes[:place] if a.overlaps(b)]


def test_legend_is_read_line_by_line():
    figure = drawn(plausible(PANELS[:1]))
    places = {text.get_text(): text.get_window_extent() for text in figure.legends[0].get_texts()}
    assert sorted(places, key=lambda name: (-round(places[name].y0, -1), places[name].x0)) == LABELS


def test_a_long_title_goes_to_the_note():
    short = drawn(plausible(PANELS[:1]), "Short", "The note.")
    assert [text.get_text() for text in short.texts] == ["The note.", "Short"]
    title = (
        "A title that is much longer than a column of the paper is wide, and ends in a full stop."
    )
    note, heading = drawn(plausible(PANELS[:1]), title, "The note.").texts
    assert note.get_text().replace("\n", " ") == f"{title} The note."
    assert heading.get_text() == ""


def test_text_is_taken_as_it_is():
    data = plausible([("$a_b$", "BPR")], ["$x^2$", "_hidden"])
    figure = drawn(data, "$\\title$", "$\\note$ & %")  # as mathematics, this would not parse
    assert len(figure.legends[0].get_texts()) == 2


# --- files


def test_files(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    data, files = plausible(PANELS[:1]), paths(tmp_path)
    draw_bars(strategies_bars(data), "Title", NOTE, files)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["f.pdf", "f.png"]
    png = files["png"].read_bytes()
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    assert b"Software" not in png
    pixels = matplotlib.image.imread(io.BytesIO(png))
    height, width = pixels.shape[:2]
    assert (width, height) == (700, round(200 * drawn(data).get_figheight()))
    assert pixels[..., :3].std() > 0.1
    pdf = files["pdf"].read_bytes()
    assert pdf.startswith(b"%PDF")
    assert b"/FontFile2" in pdf  # TrueType
    assert b"/Type3" not in pdf
    assert b"CreationDate" not in pdf
    assert not caplog.records  # fontTools would say what it does, a hundred lines of it


def test_title_and_note_stand_on_the_png_alone(tmp_path):
    """A document says them in its caption."""
    bars, made = strategies_bars(plausible(PANELS[:1])), {}
    for name, title, note in (("one", "Title", NOTE), ("two", "Another", "Other words.")):
        draw_bars(bars, title, note, paths(tmp_path, name))
        made[name] = {ending: path.read_bytes() for ending, path in paths(tmp_path, name).items()}
    assert made["one"]["pdf"] == made["two"]["pdf"]
    assert made["one"]["png"] != made["two"]["png"]
    height = float(re.search(rb"/MediaBox \[ ?0 0 [0-9.]+ ([0-9.]+)", made["one"]["pdf"])[1])
    assert height == pytest.approx(72 * drawn(plausible(PANELS[:1]), "", "").get_figheight())


def test_equal_data_give_equal_bytes(tmp_path, monkeypatch):
    data = plausible(PANELS[:1])
    draw_bars(strategies_bars(data), "Title", NOTE, paths(tmp_path, "one"))
    with matplotlib.rc_context(
        {"font.size": 20, "axes.facecolor": "red"}
    ):  # as a user's matplotlibrc may say
        monkeypatch.setattr(time, "time", lambda: 2_000_000_000.0)
        draw_bars(strategies_bars(data), "Title", NOTE, paths(tmp_path, "two"))
    for ending in ("pdf", "png"):
        assert (tmp_path / f"one.{ending}").read_bytes() == (
            tmp_path / f"two.{ending}"
        ).read_bytes()


def test_figure_four_is_made(tmp_path):
    rows = []
    write_json(tmp_path / "cohort.json", {"users": [0, 2]})
    for label, cohort, frame in (
        (
            "Random",
            tmp_path / "cohort.json",
            per_user([0.5, 1, 0.25]),
        ),  # user 1 is not of the cohort
        ("Preference", tmp_path / "cohort.json", per_user([0.75, 0, 0.5])),
        ("Retrain", tmp_path / "cohort.json", per_user([0.5, 0.5, 0.5])),
    ):
        write_parquet(tmp_path / f"{label}.parquet", frame, PER_USER)
        names = {
            "panel": "pilot",
            "dataset": "ML",
            "backbone": "BPR",
            "method": label,
            "printed": label,
            "seed": 1,
            "training": 0,
            "source": None,
            "no_llm": None,
            "random": "Random" if label == "Preference" else None,
        }
        rows.append(
            names | {"per_user": tmp_path / f"{label}.parquet", "cohort": cohort, "cost": None}
        )
    spec = {"mask": "A", "cutoffs": [5]}
    made = make("figure", tmp_path, "strategies_figure", rows, spec, {"note": "By hand."})
    table = pd.read_csv(made["csv"])
    assert [*zip(table["row"], table["mean"], strict=True)] == [
        ("Random", 0.375),
        ("Preference", 0.625),
        ("Retrain", 0.5),
    ]
    assert table["from_random"].dropna().tolist() == [0.25]
    assert table["from_no_llm"].isna().all()
    assert all(path.stat().st_size for path in made.values())
    text = made["tex"].read_text()
    assert r"\includegraphics{made.pdf}" in text and r"\label{fig:made}" in text
    assert text.count("By hand.") == 1

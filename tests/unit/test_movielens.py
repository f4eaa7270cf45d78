from typing import ClassVar

import pandas as pd
import pytest

from cragru.core.errors import CragruError
from cragru.core.place import spot
from cragru.data import movielens_1m, movielens_100k, recbole_ml_100k
from tests.raw_data import MINI_1M, MINI_100K, MINI_RECBOLE, write
from tests.refusals import refused


def rows(frame):
    return [
        tuple(None if pd.isna(value) else value for value in row)
        for row in frame.itertuples(index=False)
    ]


class TestMovielens100K:
    def test_tables(self, tmp_path):
        tables = movielens_100k.load(write(tmp_path, MINI_100K))
        assert list(tables.interactions) == ["user", "item", "rating", "timestamp"]
        assert rows(tables.interactions) == [
            (7, 20, 4.0, 200),
            (7, 1412, 5.0, 100),
            (2, 267, 1.0, 300),
        ]
        assert list(tables.users) == ["raw_id", "age", "gender", "occupation", "zip"]
        assert rows(tables.users) == [
            (2, "24", "male", "technician", "85711"),
            (7, "53", "female", "other", "T8H1N"),
            (9, "13", "female", "student", ""),
        ]
        assert list(tables.items) == ["raw_id", "title", "year", "genres"]
        assert rows(tables.items)[0] == (
            5,
            "Hiver été, L'",
            1995,
            "Drama",
        )  # latin-1, and a space after the year
        assert rows(tables.items)[2:] == [
            (267, "unknown", None, "unknown"),
            (1412, "Land Before Time III: The Time of the Great Giving", 1995, "Children's|Drama"),
        ]
        assert tables.scale == (1.0, 5.0)

    def test_title_without_a_year(self, tmp_path):
        assert rows(movielens_100k.load(write(tmp_path, MINI_100K)).items)[1] == (
            20,
            "Uncle, The",
            None,
            "Action|Drama",
        )

    def test_genre_flags_that_do_not_fit(self, tmp_path):
        items = MINI_100K["u.item"].replace("|1|0|0|0\n", "|1|0|0\n")
        write(tmp_path, MINI_100K | {"u.item": items})
        parts = {"got": "1|0|0", "what": "u.genre has 4 genres"}
        assert_fails(movielens_100k.load, tmp_path, "u.item", 3, **parts)

    @pytest.mark.parametrize(
        ("genres", "line", "got", "what"),
        [
            # a gap: Drama's flag is the fourth, and would be read as the third genre's
            (
                "unknown|0\nAction|1\nChildren's|2\nDrama|4\n",
                4,
                "4",
                "the numbers of 4 genres have a gap",
            ),
            (
                "unknown|1\nAction|2\nChildren's|3\nDrama|4\n",
                4,
                "4",
                "the numbers of 4 genres have a gap",
            ),
            ("unknown|0\nAction|1\nDrama|1\nWar|3\n", 3, "1", "line 2 has the same number"),
            ("unknown|0\nAction|1\nAction|2\nWar|3\n", 3, "Action", "line 2 has the same genre"),
            ("unknown|0\nAction|1\nDrama|01\nWar|3\n", 3, "1", "line 2 has the same number"),
        ],
    )
    def test_genre_numbers_that_do_not_fit(self, tmp_path, genres, line, got, what):
        write(tmp_path, MINI_100K | {"u.genre": genres})
        assert_fails(movielens_100k.load, tmp_path, "u.genre", line, got=got, what=what)


class TestMovielens1M:
    def test_tables(self, tmp_path):
        tables = movielens_1m.load(write(tmp_path, MINI_1M))
        assert rows(tables.interactions) == [
            (1, 10, 5.0, 978300760),
            (1, 20, 3.0, 978302109),
            (2, 10, 1.0, 978301968),
        ]
        assert rows(tables.users) == [
            (1, "Under 18", "female", "K-12 student", "48067"),
            (2, "56+", "male", "other", "53404-1230"),
            (3, "25-34", "male", "writer", "55117"),
        ]
        assert rows(tables.items) == [
            (10, "Alien³: The First :: Cut", 1992, "Action|Sci-Fi"),
            (20, "Associate, The (L'Associe)", 1982, "Comedy"),
            (30, "Godfather, The", 1972, "Action|Crime|Drama"),
        ]

    @pytest.mark.parametrize(
        "user", ["1::F::2::10::48067", "1::F::1::21::48067", "1::X::1::10::48067"]
    )
    def test_unknown_codes(self, tmp_path, user):
        write(tmp_path, MINI_1M | {"users.dat": f"{user}\n"})
        said = assert_fails(movielens_1m.load, tmp_path, "users.dat", 1, got=user)
        assert all(column in said for column in ("gender", "age", "occupation"))


class TestRecbole:
    def test_tables_equal_the_publishers(self, tmp_path):
        # the publisher's 20 has no year here, which RecBole's files cannot say
        items = MINI_100K["u.item"].replace("Uncle, The|", "Uncle, The (1995)|")
        wanted = movielens_100k.load(write(tmp_path / "a", MINI_100K | {"u.item": items}))
        got = recbole_ml_100k.load(write(tmp_path / "b", MINI_RECBOLE, "utf-8"))
        for name in ("interactions", "users", "items"):
            pd.testing.assert_frame_equal(getattr(got, name), getattr(wanted, name))
        assert got.scale == wanted.scale

    def test_year_that_the_patches_do_not_know(self, tmp_path):
        items = MINI_RECBOLE["ml-100k.item"].replace("The\t1995", "The\tV")
        write(tmp_path, MINI_RECBOLE | {"ml-100k.item": items}, "utf-8")
        parts = {"got": "V", "what": "not a year"}
        assert_fails(recbole_ml_100k.load, tmp_path, "ml-100k.item", 3, **parts)

    def test_header_counts_as_a_line(self, tmp_path):
        header = MINI_RECBOLE["ml-100k.inter"].split("\n")[0]
        changes = {"ml-100k.inter": f"{header}\n2\t5\t3\t1\n2\t5\n"}
        write(tmp_path, MINI_RECBOLE | changes, "utf-8")
        assert_fails(recbole_ml_100k.load, tmp_path, "ml-100k.inter", 3, got="2\t5")

    @pytest.mark.parametrize("file", MINI_RECBOLE)
    def test_header_is_checked(self, tmp_path, file):
        header, rows = MINI_RECBOLE[file].split("\n", 1)
        others = [
            f"\ufeff{header}",
            header.replace(":token", ":float", 1),
            header.replace("_id", ""),
            "\t".join(reversed(header.split("\t"))),
            rows.split("\n")[0],  # no header at all: the first row
        ]
        for other in others:
            write(tmp_path, MINI_RECBOLE | {file: f"{other}\n{rows}"}, "utf-8")
            said = assert_fails(recbole_ml_100k.load, tmp_path, file, 1, got=other)
            assert repr(header) in said

    def test_wrong_encoding(self, tmp_path):
        write(tmp_path, MINI_RECBOLE, "latin-1")
        with pytest.raises(CragruError, match=rf"^{tmp_path}/ml-100k\.item, line 2:.*utf-8"):
            recbole_ml_100k.load(tmp_path)


class TestLetters:
    """A file in Latin-1 that somebody has saved anew in another encoding."""

    FILES: ClassVar = [
        (movielens_100k.load, MINI_100K, "u.item", "Hiver été"),
        (movielens_100k.load, MINI_100K, "u.user", "technician"),
        (movielens_100k.load, MINI_100K, "u.genre", "Action"),
        (movielens_1m.load, MINI_1M, "movies.dat", "Alien³"),
        (movielens_1m.load, MINI_1M, "users.dat", "48067"),
    ]

    @pytest.mark.parametrize(("load", "files", "file", "word"), FILES)
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
    def test_utf_8_is_refused(self, tmp_path, load, files, file, word, encoding):
        write(tmp_path, files)
        text = files[file].replace(word, "Café")
        (tmp_path / file).write_bytes(text.encode(encoding))
        with pytest.raises(CragruError, match=rf"^{tmp_path / file}:.*UTF-8"):
            load(tmp_path)

    @pytest.mark.parametrize(("load", "files", "file", "word"), FILES)
    def test_windows_1252_is_refused(self, tmp_path, load, files, file, word):
        write(tmp_path, files)
        text = files[file].replace(word, "Schindler\N{RIGHT SINGLE QUOTATION MARK}s")
        (tmp_path / file).write_bytes(text.encode("cp1252"))
        line = text[: text.index("Schindler")].count("\n") + 1
        with refused(place=f"{tmp_path / file}, line {line}", got=b"\x92"):
            load(tmp_path)

    def test_utf_16_is_refused(self, tmp_path):
        write(tmp_path, MINI_100K)
        (tmp_path / "u.item").write_bytes(MINI_100K["u.item"].encode("utf-16"))
        said = assert_fails(movielens_100k.load, tmp_path, "u.item", 1)
        assert "flags" in said

    def test_latin_1_that_could_be_utf_8_in_places_stays_what_it_is(self, tmp_path):
        """``É®`` is a letter of two bytes in UTF-8, ``été`` is none: so the file is Latin-1."""
        items = MINI_100K["u.item"].replace("Uncle, The", "CAFÉ®")
        tables = movielens_100k.load(write(tmp_path, MINI_100K | {"u.item": items}))
        assert tables.items["title"][:2].tolist() == ["Hiver été, L'", "CAFÉ®"]

    @pytest.mark.parametrize("letter", ["é", "ß", "ø", "ÿ", "š", "ž", "ж", "ひ", "😀", "\ufffd"])
    def test_a_line_in_utf_8_among_those_in_latin_1_is_refused(self, tmp_path, letter):
        """As an editor or a script leaves it that adds a row; some letters have a byte that Latin-1 has not."""
        write(tmp_path, MINI_100K)
        lines = MINI_100K["u.item"].encode("latin-1").splitlines(keepends=True)
        lines[2] = lines[2].replace(b"unknown", f"Caf{letter}".encode(), 1)
        (tmp_path / "u.item").write_bytes(b"".join(lines))
        assert_fails(movielens_100k.load, tmp_path, "u.item", 3)

    @pytest.mark.parametrize("title", ["«CAFÉ»", "CAFÉ®", "ÉTÉ²", "Nº 5", "¿QUÉ?", "MAÇÃ", "Ça va"])
    def test_signs_beside_letters_of_latin_1_stay_what_they_are(self, tmp_path, title):
        items = MINI_100K["u.item"].replace("Uncle, The", title)
        tables = movielens_100k.load(write(tmp_path, MINI_100K | {"u.item": items}))
        assert tables.items["title"][1] == title

    def test_line_ends_of_windows(self, tmp_path):
        wanted = movielens_100k.load(write(tmp_path / "a", MINI_100K))
        ends = {name: text.replace("\n", "\r\n") for name, text in MINI_100K.items()}
        got = movielens_100k.load(write(tmp_path / "b", ends))
        for name in ("interactions", "users", "items"):
            pd.testing.assert_frame_equal(getattr(got, name), getattr(wanted, name))


def assert_fails(loader, folder, file, line, **parts):
    """Expect a refusal of this line; returns what is said to be wrong."""
    with refused(place=spot(folder / file, line), **parts) as caught:
        loader(folder).refuse_repeats()
    assert "\n" not in str(caught.value)
    return caught.value.problems[0].what


def test_the_sentence(tmp_path):
    write(tmp_path, MINI_1M | {"ratings.dat": "1::10::9::978300760\n"})
    with pytest.raises(CragruError) as caught:
        movielens_1m.load(tmp_path)
    assert str(caught.value) == f"{tmp_path}/ratings.dat, line 1: off the scale, 1 to 5, got '9'"


class TestBadRows:
    """What every loader refuses, each with the file and the line."""

    LOADERS: ClassVar = {
        "movielens-100k": movielens_100k.load,
        "movielens-1m": movielens_1m.load,
        "recbole-ml-100k": recbole_ml_100k.load,
    }
    LAYOUTS: ClassVar = {
        "movielens-100k": (MINI_100K, "latin-1", "u.data", "u.user", "u.item", "\t", 0),
        "movielens-1m": (MINI_1M, "latin-1", "ratings.dat", "users.dat", "movies.dat", "::", 0),
        "recbole-ml-100k": (
            MINI_RECBOLE,
            "utf-8",
            "ml-100k.inter",
            "ml-100k.user",
            "ml-100k.item",
            "\t",
            1,
        ),
    }

    @pytest.fixture(params=LAYOUTS)
    def layout(self, request):
        return request.param, *self.LAYOUTS[request.param]

    def fails(self, layout, folder, changes, file, line, **parts):
        loader, files, encoding, *_, header = layout
        write(folder, files | changes, encoding)
        return assert_fails(self.LOADERS[loader], folder, file, line + header, **parts)

    def ratings(self, layout, *extra):
        """The mini ratings and more rows, which start on line 4 after any header."""
        _, files, _, ratings, _, _, between, _ = layout
        return {ratings: files[ratings] + "".join(between.join(row) + "\n" for row in extra)}

    @pytest.mark.parametrize(
        "row",
        [
            ("7", "5"),
            ("x", "5", "3", "1"),
            ("7", "5", "good", "1"),
            ("7", "5", "3", "1.5"),
            ("7", "5", "3", "-1"),
        ],
    )
    def test_does_not_parse(self, layout, tmp_path, row):
        got = layout[6].join(row)
        said = self.fails(layout, tmp_path, self.ratings(layout, row), layout[3], 4, got=got)
        assert "user" in said

    @pytest.mark.parametrize("rating", ["0", "6", "5.5", "-1"])
    def test_rating_off_the_scale(self, layout, tmp_path, rating):
        changes = self.ratings(layout, ("2", "20", rating, "1"))
        parts = {"got": rating, "what": "off the scale, 1 to 5"}
        self.fails(layout, tmp_path, changes, layout[3], 4, **parts)

    def test_duplicate_pair_names_both_lines(self, layout, tmp_path):
        first = (
            layout[1][layout[3]].split("\n")[1 + layout[7]].split(layout[6])[:2]
        )  # the second row's user and item
        changes = self.ratings(layout, ("2", "20", "3", "1"), (*first, "3", "1"))
        parts = {
            "got": ", ".join(first),
            "what": f"line {2 + layout[7]} has the same user and item",
        }
        self.fails(layout, tmp_path, changes, layout[3], 5, **parts)

    def test_of_many_bad_rows_the_first_is_named_and_the_others_are_counted(self, layout, tmp_path):
        changes = self.ratings(layout, *[("2", "20", rating, "1") for rating in "396"])
        parts = {"got": "9", "what": "off the scale, 1 to 5 (and 1 further rows)"}
        self.fails(layout, tmp_path, changes, layout[3], 5, **parts)

    def test_user_without_a_row(self, layout, tmp_path):
        changes = self.ratings(layout, ("77", "20", "3", "1"))
        parts = {"got": "77", "what": f"{layout[4]} has no such user"}
        self.fails(layout, tmp_path, changes, layout[3], 4, **parts)

    def test_item_without_a_row(self, layout, tmp_path):
        changes = self.ratings(layout, ("2", "77", "3", "1"))
        parts = {"got": "77", "what": f"{layout[5]} has no such item"}
        self.fails(layout, tmp_path, changes, layout[3], 4, **parts)

    @pytest.mark.parametrize("which", [4, 5])
    def test_user_or_item_listed_twice(self, layout, tmp_path, which):
        text = layout[1][layout[which]]
        second = text.split("\n")[1 + layout[7]]
        got = second.split("|")[0].split(layout[6])[0]
        parts = {"got": got, "what": f"line {2 + layout[7]} has the same id"}
        line = text.count("\n") - layout[7] + 1
        changes = {layout[which]: text + second + "\n"}
        self.fails(layout, tmp_path, changes, layout[which], line, **parts)

    def test_file_without_rows(self, layout, tmp_path):
        header = "".join(line + "\n" for line in layout[1][layout[3]].split("\n")[: layout[7]])
        parts = {"what": "the file has no rows"} if header else {"got": ""}
        write(tmp_path, layout[1] | {layout[3]: header}, layout[2])
        line = None if header else 1
        assert_fails(self.LOADERS[layout[0]], tmp_path, layout[3], line, **parts)

    @pytest.mark.parametrize("which", [3, 4, 5])
    def test_missing_file(self, layout, tmp_path, which):
        write(tmp_path, layout[1], layout[2])
        (tmp_path / layout[which]).unlink()
        with refused(place=tmp_path / layout[which], what="no such file"):
            self.LOADERS[layout[0]](tmp_path)

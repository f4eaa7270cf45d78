"""Prompts (eq. 10, Appendix A): a template, a user's history and candidates; titles are data, whatever they say."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cragru.core.errors import CragruError
from cragru.core.place import PathLike, spot
from cragru.written.texts import read_text

PLACEHOLDERS = ("user_profile_text", "history_movies", "candidate_list")
OPTIONAL = {"user_profile_text"}
FEWER = "take fewer candidates, more tokens, or a model with a longer context"
BLANKS = re.compile(r"[\s\x00-\x1f\x7f\u2028\u2029]+")
# articles that catalogues put behind a title, before a title in brackets if there is one
BEHIND = re.compile(
    r"(?P<title>[^()]+), (?P<article>The|An?|L[aeo]s?|L'|Il|I|El|D(?:er|ie|as)|Une?|Gli|Os?|As)(?P<rest>(?: \(.*\))?)"
)


@dataclass(frozen=True)
class Movie:
    """What a prompt says of an item: the publisher's id; genres joined by ``|``, or empty."""

    id: str
    title: str
    year: int | None
    genres: str = ""


class Template:
    """A prompt template with the paper's placeholders."""

    def __init__(self, text: str, where: str) -> None:
        """Cut the text, of the file `where`, at its placeholders.

        Raises:
            CragruError: If a placeholder is unknown, missing or there twice.
        """
        self.text = text
        pieces = re.split(r"\{([A-Za-z_]+)\}", text)
        self._texts, self._names = pieces[::2], pieces[1::2]
        for name in [*self._names, *PLACEHOLDERS]:
            count, place = self._names.count(name), f"{where}: {{{name}}}"
            if name not in PLACEHOLDERS:
                raise CragruError("no placeholder", place=where, got=name, allowed=PLACEHOLDERS)
            if count > 1 or (count == 0 and name not in OPTIONAL):
                raise CragruError("must be there once", place=place, got=count)

    @classmethod
    def read(cls, path: PathLike) -> "Template":
        """Read a template file: UTF-8, whatever line ends and byte-order mark an editor gave it.

        Raises:
            CragruError: If it is no text in UTF-8, or its placeholders are not as they must be.
        """
        text = read_text(path, "a template").replace("\r\n", "\n").replace("\r", "\n")
        return cls(text.strip(), spot(path))

    @property
    def words(self) -> int:
        """How many words the text has without any value: as many tokens at least, for tokens end at blanks."""
        return sum(len(text.split()) for text in self._texts)

    def fill(self, values: dict[str, str]) -> str:
        """Put in the values; what looks like a placeholder inside a value stays as it is."""
        filled = [self._texts[0]]
        for name, text in zip(self._names, self._texts[1:], strict=True):
            filled += [values[name], text]
        return "".join(filled)


def quoted(title: str) -> str:
    """Return a title as a JSON string on one line: quotes, control characters and line breaks can't end it."""
    return json.dumps(one_line(title), ensure_ascii=False)


def natural_title(title: str) -> str:
    """Return a title as it is said: `The Usual Suspects` for `Usual Suspects, The`."""
    if found := BEHIND.fullmatch(title):
        blank = "" if found["article"].endswith("'") else " "
        return f"{found['article']}{blank}{found['title']}{found['rest']}"
    return title


def one_line(text: str) -> str:
    """Return a text with one blank for each run of blanks, control characters and line breaks."""
    return BLANKS.sub(" ", text).strip()


def history_line(movie: Movie, score: float | None = None) -> str:
    """Return the line of a watched movie: title, year, genres and, where it is shown, the rating scaled to 100."""
    parts = [titled(movie)]
    if movie.genres:
        parts.append(f"genres: {one_line(movie.genres.replace('|', ', '))}")
    if score is not None:
        parts.append(f"rated {score:.0f} of 100")
    return "- " + "; ".join(parts)


def candidate_line(movie: Movie) -> str:
    """Return the line of a candidate: id, title, year."""
    return f"- {movie.id}: {titled(movie)}"


def titled(movie: Movie) -> str:
    """Return a movie's title in quotes, and its year where it is known."""
    year = f" ({movie.year})" if movie.year is not None else ""
    return f"{quoted(movie.title)}{year}"


def _candidate_lines(movies: Sequence[Movie]) -> list[str]:
    return list(map(candidate_line, movies))


@dataclass(frozen=True)
class Lines:
    """How a form of scoring writes lines; the paper's form unless given.

    Attributes:
        history: Writes the line of a watched movie, with its rating (of 100) or None.
        candidates: Writes the lines of all candidates, in the order shown.
    """

    history: Callable[[Movie, float | None], str] = history_line
    candidates: Callable[[Sequence[Movie]], list[str]] = _candidate_lines


def scaled(rating: float, lowest: float, highest: float) -> float:
    """Return a rating as a share of the highest, in hundredths: 4 of 5 stars is 80."""
    if not lowest <= rating <= highest:
        raise CragruError(f"a rating is outside the scale {lowest:g} to {highest:g}", got=rating)
    return 100 * rating / highest


def profile_sentence(age: str, gender: str, occupation: str) -> str:
    """Return a user's attributes as a sentence; what is unknown is left out."""
    told = (("age", age), ("gender", gender), ("occupation", occupation))
    facts = [f"{name} {one_line(value)}" for name, value in told if value]
    return f"The user is of {', '.join(facts)}." if facts else "Nothing is known about the user."


@dataclass(frozen=True)
class Parts:
    """What fills a template: the user's sentence, and the lines of history (oldest first) and candidates (as shown)."""

    profile: str
    history: Sequence[str]
    candidates: Sequence[str]


def render(template: Template, parts: Parts, dropped: int = 0) -> str:
    """Return the prompt without the `dropped` oldest lines of history."""
    values = {
        "user_profile_text": parts.profile,
        "history_movies": "\n".join(parts.history[dropped:]) or "(none)",
        "candidate_list": "\n".join(parts.candidates),
    }
    return template.fill(values)


@dataclass(frozen=True)
class Prompt:
    """A prompt that fits, its tokens with the chat template, and how many of the oldest history lines were dropped."""

    text: str
    tokens: int
    dropped: int


def fit_prompt(
    template: Template, parts: Parts, count_tokens: Callable[[str], int], budget: int
) -> Prompt:
    """Render a prompt of at most `budget` tokens, dropping as few of the oldest history lines as will do.

    Raises:
        CragruError: If the prompt does not fit even without any history.
    """

    def attempt(dropped: int) -> Prompt:
        text = render(template, parts, dropped)
        return Prompt(text, count_tokens(text), dropped)

    whole = attempt(0)
    if whole.tokens <= budget:
        return whole
    fitting = attempt(len(parts.history))
    if fitting.tokens > budget:
        shown = len(parts.candidates)
        raise CragruError(
            f"template and {shown} candidates take over {budget} tokens",
            got=fitting.tokens,
            advice=FEWER,
        )
    low = 0  # does not fit; find the fewest dropped lines that do
    while fitting.dropped - low > 1:
        middle = attempt((low + fitting.dropped) // 2)
        if middle.tokens <= budget:
            fitting = middle
        else:
            low = middle.dropped
    return fitting

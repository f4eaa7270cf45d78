"""Text for another language: labels and captions say what they like, and LaTeX and Markdown print it as it stands."""

# ruff: noqa: RUF001  letters that look like others are meant

import re
import unicodedata
from html.entities import codepoint2name

MINUS = "\N{MINUS SIGN}"
_ESCAPED = {letter: f"\\{letter}" for letter in "&%$#_{}"}
_TEXTS = ("backslash", "asciitilde", "asciicircum", "bar", "less", "greater")
_NAMED = {letter: rf"\text{name}{{}}" for letter, name in zip("\\~^|<>", _TEXTS, strict=True)}
_DASHES = {MINUS: "$-$", "\N{EN DASH}": "--", "\N{EM DASH}": "---"}
# a line that starts with a bracket or an asterisk would be read as an option of the line break before
LATEX_SPECIAL = _ESCAPED | _NAMED | _DASHES | {"[": "{[}", "*": "{*}"}
_GREEK = {letter: codepoint2name[ord(letter)] for letter in "αβγδζηθικλμνξπρστυχψωΓΔΘΛΞΠΣΥΦΨΩ"}
_SIGNS = {"≤": "leq", "≥": "geq", "≈": "approx", "≠": "neq", "∞": "infty", "⇒": "Rightarrow"}
_NAMES = _GREEK | {"ε": "varepsilon", "φ": "varphi", "±": "pm"} | _SIGNS
LATEX_MATHS = {letter: rf"$\{name}$" for letter, name in _NAMES.items()}
# What pdfLaTeX prints in any document, which is in OT1 and loads no package for letters: each was tried.
_LATIN = set(map(chr, range(0xA1, 0x180))) - set("\xad«»ÐÞðþĄąĐđĘęĦħĮįĸĿŀŉŊŋŦŧŲųſ")
_FURTHER = set("ǍǎǏǐǑǒǓǔǢǣǦǧǨǩǰǴǵȘșȚțḂḃḍḞḟḠḡḥḰḱḷṃṅṇṛṣṭẎẏẐẑẞỲỳ‐‑‒―‖‘’“”†‡•…‰‱※€№™←→")
LATEX_LETTERS = _LATIN | _FURTHER
MARKDOWN = re.compile(
    r"[\\`|]"
    r"|\*+(?=[^\s*:,.;)])|~+(?=[^\s~])|(?<!\w)_+(?=[^\s_])"  # what can begin an emphasis, or strike out
    r"|<(?=[A-Za-z/!?])|&(?=#?\w+;)|\](?=[(\[])"  # HTML, the names of its letters, links
)
BLOCK = re.compile(r"^([#>+-]|\d+[.)](?=\s))")  # a heading, a quotation, a list


def escape_latex(text: str) -> str:
    """Return text for LaTeX, which prints it as it stands.

    pdfLaTeX lacks some letters, and prints their code in brackets instead. LuaLaTeX and XeLaTeX print all letters that
    their font has. The table is typeset by each of the three.
    """
    # LaTeX would print two hyphens as one dash
    pieces = re.split("(?<=-)(?=-)", unicodedata.normalize("NFC", text))
    return "{}".join("".join(map(_latex_letter, piece)) for piece in pieces)


def escape_markdown(text: str) -> str:
    """Return text for a place in a line of GitHub's Markdown, which shows it as it stands."""
    return MARKDOWN.sub(lambda found: re.sub("(.)", r"\\\1", found[0]), text)


def markdown_paragraph(text: str) -> str:
    """Return text that is a paragraph of its own in GitHub's Markdown."""
    return BLOCK.sub(lambda found: f"{found[0][:-1]}\\{found[0][-1]}", escape_markdown(text))


def _latex_letter(letter: str) -> str:
    known = LATEX_SPECIAL.get(letter) or LATEX_MATHS.get(letter)
    if known is not None:
        return known
    if letter.isascii() or letter in LATEX_LETTERS:
        return letter
    return rf"\ifx\Umathchar\undefined {{[}}U+{ord(letter):04X}{{]}}\else {letter}\fi{{}}"

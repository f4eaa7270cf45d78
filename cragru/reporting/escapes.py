"""Text for another language: labels and captions say what they like, and LaTeX and Markdown print it as it stands."""

# ruff: noqa: RUF001  letters that look like others are meant

import re
import unicodedata

MINUS = "\N{MINUS SIGN}"
LATEX_SPECIAL = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "±": r"$\pm$",
    MINUS: "$-$",
    "\N{EN DASH}": "--",
    "\N{EM DASH}": "---",
    "|": r"\textbar{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "[": "{[}",  # a line that starts with it, or with *, would be read as an option of the line break before
    "*": "{*}",
}
_GREEK = {
    "α": "alpha",
    "β": "beta",
    "γ": "gamma",
    "δ": "delta",
    "ε": "varepsilon",
    "ζ": "zeta",
    "η": "eta",
    "θ": "theta",
    "ι": "iota",
    "κ": "kappa",
    "λ": "lambda",
    "μ": "mu",
    "ν": "nu",
    "ξ": "xi",
    "π": "pi",
    "ρ": "rho",
    "σ": "sigma",
    "τ": "tau",
    "υ": "upsilon",
    "φ": "varphi",
    "χ": "chi",
    "ψ": "psi",
    "ω": "omega",
    "Γ": "Gamma",
    "Δ": "Delta",
    "Θ": "Theta",
    "Λ": "Lambda",
    "Ξ": "Xi",
    "Π": "Pi",
    "Σ": "Sigma",
    "Υ": "Upsilon",
    "Φ": "Phi",
    "Ψ": "Psi",
    "Ω": "Omega",
}
_RELATIONS = {"≤": "leq", "≥": "geq", "≈": "approx", "≠": "neq", "∞": "infty", "⇒": "Rightarrow"}
LATEX_MATHS = {letter: rf"$\{name}$" for letter, name in (_GREEK | _RELATIONS).items()}
# What pdfLaTeX prints in any document, which is in OT1 and loads no package for letters: each was tried.
_LATIN = {chr(code) for code in range(0xA1, 0x180)} - set("\xad«»ÐÞðþĄąĐđĘęĦħĮįĸĿŀŉŊŋŦŧŲųſ")
_FURTHER = set("ǍǎǏǐǑǒǓǔǢǣǦǧǨǩǰǴǵȘșȚțḂḃḍḞḟḠḡḥḰḱḷṃṅṇṛṣṭẎẏẐẑẞỲỳ‐‑‒―‖‘’“”†‡•…‰‱※€№™←→")
LATEX_LETTERS = _LATIN | _FURTHER
MARKDOWN = re.compile(
    r"[\\`|]"
    r"|\*+(?=[^\s*:,.;)])|~+(?=[^\s~])|(?<!\w)_+(?=[^\s_])"  # what can begin an emphasis, or strike out
    r"|<(?=[A-Za-z/!?])|&(?=#?\w+;)|\](?=[(\[])"  # HTML, the names of its letters, links
)
BLOCK = re.compile(r"^([#>+-]|\d+[.)](?=\s))")  # a heading, a quotation, a list


def escape_latex(text: str) -> str:
    """Text for LaTeX, which prints it as it stands.

    A letter that pdfLaTeX lacks (LuaLaTeX and XeLaTeX have all that their font has) stands there by its code in
    brackets: the table is typeset with any of them.
    """
    pieces, before = [], ""
    for letter in unicodedata.normalize("NFC", text):
        if letter == before == "-":
            pieces.append("{}")  # two hyphens would be one dash
        pieces.append(_latex_letter(letter))
        before = letter
    return "".join(pieces)


def escape_markdown(text: str) -> str:
    """Text for a place in a line of GitHub's Markdown, which shows it as it stands."""
    return MARKDOWN.sub(lambda found: "".join(f"\\{letter}" for letter in found[0]), text)


def markdown_paragraph(text: str) -> str:
    """Text that is a paragraph of its own in GitHub's Markdown."""
    escaped = escape_markdown(text)
    return BLOCK.sub(lambda found: f"{found[0][:-1]}\\{found[0][-1]}", escaped)


def _latex_letter(letter: str) -> str:
    known = LATEX_SPECIAL.get(letter) or LATEX_MATHS.get(letter)
    if known is not None:
        return known
    if letter.isascii() or letter in LATEX_LETTERS:
        return letter
    return rf"\ifx\Umathchar\undefined {{[}}U+{ord(letter):04X}{{]}}\else {letter}\fi{{}}"

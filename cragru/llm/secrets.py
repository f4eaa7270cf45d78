"""Secrets from the environment: never in a file, a message or a log."""

import base64
import html
import os
import re
from functools import lru_cache

from cragru.core.errors import CragruError

SHORTEST = 6  # letters of base64 that are no accident in an ordinary text


def read_secret(variable: str, where: str, kind: str, advice: str) -> str:
    """A secret that an environment variable holds.

    Args:
        variable: The variable's name.
        where: Who wants it, for messages.
        kind: What it is, such as ``token``.
        advice: What to do where the variable is not set.

    Raises:
        CragruError: If it is not set, or holds what no such secret has. No message has the secret.
    """
    secret = os.environ.get(variable, "").strip()
    if not secret:
        raise CragruError(f"{where}: the environment variable {variable} is not set; {advice}")
    if not (
        secret.isascii() and secret.isprintable() and " " not in secret
    ):  # such a header would stand in an error
        raise CragruError(
            f"{where}: the environment variable {variable} holds characters that no {kind} has; set it anew"
        )
    return secret


def masked(text: str, secret: str) -> str:
    """A text with `***` in the place of a secret: as it is, in any case, backwards, or in an encoding of its letters.

    Whoever is sent a secret may send it back: escaped as in JSON, in a URL or in HTML, in hex or in base64.

    Args:
        text: What is to be shown.
        secret: ASCII, as `read_secret` gives it.
    """
    return _pattern_of(secret).sub("***", text)


@lru_cache(maxsize=8)
def _pattern_of(secret: str) -> re.Pattern[str]:
    forms = [
        "".join(_letter(letter) for letter in secret),
        re.escape(secret[::-1]),
        "[ :-]?".join(f"{ord(letter):02x}" for letter in secret),
        *_base64_forms(secret.encode()),
    ]
    return re.compile("|".join(forms), re.IGNORECASE)


def _letter(letter: str) -> str:
    """An expression for a letter, plain or escaped once or more: `-`, `%2D`, `%252d`, `\\u002d`, `&#45;`."""
    code = ord(letter)
    forms = [
        re.escape(letter) if letter.isalnum() else rf"\\*{re.escape(letter)}",
        re.escape(html.escape(letter)),
        f"[%=](?:25)*{code:02x}",
        rf"(?:\\+|%)u00{code:02x}",
        rf"\\+x{code:02x}",
        f"&#0*{code};?",
        f"&#x0*{code:x};?",
    ]
    return f"(?:{'|'.join(forms)})"


def _base64_forms(secret: bytes) -> list[str]:
    """Expressions for the letters of base64 that the secret alone decides, wherever in a longer text it begins."""
    forms = []
    for before in range(3):  # bytes before it, in groups of three
        first = -(-before * 8 // 6)
        last = (before + len(secret)) * 8 // 6
        letters = base64.b64encode(bytes(before) + secret).decode()[first:last]
        if len(letters) >= SHORTEST:
            forms.append(re.escape(letters).replace(r"\+", "[+-]").replace("/", "[/_]"))
    return forms

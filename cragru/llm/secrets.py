"""Secrets from the environment: never in a file, a message or a log."""

import base64
import contextlib
import html
import os
import re
from collections.abc import Iterator

from cragru.core.errors import CragruError

SHORTEST = 6  # letters of base64 that are no accident in an ordinary text


def read_secret(variable: str) -> str:
    """Return the key or token that an environment variable holds.

    Raises:
        CragruError: If it is not set, or holds what no header can. No message has the secret.
    """
    secret = os.environ.get(variable, "").strip()
    if not re.fullmatch("[!-~]+", secret):  # the error of another header would show it
        raise CragruError("not set, or no key", place=variable, advice="set it to the key or token")
    return secret


@contextlib.contextmanager
def hidden(prefix: str) -> Iterator[None]:
    """Hide, in a block, the variables of the environment that begin so: a library would take them unasked."""
    found = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith(prefix)}
    try:
        yield
    finally:
        os.environ |= found


def masked(text: str, secret: str) -> str:
    """Return a text with `***` for a secret: plain, in any case, backwards, in hex or base64, or escaped."""
    plain = "".join(map(_letter, secret))
    in_hex = "[ :-]?".join(f"{code:02x}" for code in secret.encode())
    forms = [plain, re.escape(secret[::-1]), in_hex, *_base64_forms(secret.encode())]
    return re.sub("|".join(forms), "***", text, flags=re.IGNORECASE)


def _letter(letter: str) -> str:
    r"""Return a pattern for a letter, plain or escaped once or more: `-`, `%2D`, `%252d`, `\u002d`, `&#45;`."""
    code, name = ord(letter), re.escape(html.escape(letter).strip("&;"))
    plain = letter if letter.isalnum() else rf"\\*{re.escape(letter)}"
    # no two forms match the same text: a key that is nearly there would take for ever
    escaped = rf"(?:[%=](?:25)*|(?:\\+|%)u00|\\+x){code:02x}"
    return rf"(?:{plain}|{escaped}|&(?:#0*{code}|#x0*{code:x}|{name});?)"


def _base64_forms(secret: bytes) -> Iterator[str]:
    """Yield patterns that find the secret in base64 at any of three byte offsets."""
    for before in range(3):
        first, last = -(-before * 8 // 6), (before + len(secret)) * 8 // 6
        letters = base64.b64encode(bytes(before) + secret).decode()[first:last]
        if len(letters) >= SHORTEST:
            yield re.escape(letters).replace(r"\+", "[+-]").replace("/", "[/_]")

"""Secrets from the environment: never in a file, a message or a log."""

import os

from cragru.errors import CragruError


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

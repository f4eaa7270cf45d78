"""Name a deletion request, for the plan and the audit alike."""

from typing import Any, NamedTuple


class Request(NamedTuple):
    """A deletion request; without a name of its own it is the one that its protocol starts with."""

    dataset: str
    protocol: str
    seed: int
    request: str | None = None

    @classmethod
    def of(cls, names: Any) -> "Request":
        """Return the request that wildcards, or a certificate, name."""
        values = dict(names.items())
        request = values.get("request")
        return cls(values["dataset"], values["protocol"], int(values["seed"]), request)

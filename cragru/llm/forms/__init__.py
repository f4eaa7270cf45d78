"""Forms of scoring (`scoring.form`): how an LLM is asked for the scores of candidates; each module here is one.

An encoder is asked nothing: its vectors of items are compared (`cragru.llm.encoder`). A module is imported by name, for
the plan names it and imports no pandas.
"""

import importlib
from typing import Any


def form_module(name: str) -> str:
    """Return the module of a form."""
    return f"{__name__}.{name}"


def form_named(name: str) -> Any:
    """Return a form, a `cragru.llm.forms.base.Form`, by its name in the configuration."""
    return importlib.import_module(form_module(name)).FORM

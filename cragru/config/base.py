"""What every configuration file shares: frozen models, and errors that name each key."""

from pydantic import BaseModel, ConfigDict

from cragru.plugins.explained import parse as parse  # how they are checked
from cragru.written.yaml_text import load_yaml as load_yaml  # how configuration files are read


class Frozen(BaseModel):
    """A configuration section: read-only, and a key that it does not know is an error, never ignored.

    A text is no number, and a truth value neither; numbers are finite.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

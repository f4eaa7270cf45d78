"""What every configuration file shares: frozen models, and errors that name each key."""

from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from cragru.core.errors import CragruError
from cragru.plugins.explained import problems_of
from cragru.written.yaml_text import load_yaml as load_yaml  # how configuration files are read


class Frozen(BaseModel):
    """A configuration section: read-only, and a key that it does not know is an error, never ignored.

    A text is no number, and a truth value neither; numbers are finite.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


Model = TypeVar("Model", bound=Frozen)


def parse(model: type[Model], data: Any, where: str) -> Model:
    """Check what a file holds, `where` is its name, against a model, and report every problem at once.

    Raises:
        CragruError: With a problem for each key.
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise CragruError.of(problems_of(model, error)).within(where) from error

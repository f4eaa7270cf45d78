"""Places that errors name: a file, and where in it."""

import os

PathLike = str | os.PathLike[str]

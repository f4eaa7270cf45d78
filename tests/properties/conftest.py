"""How many inputs the properties try: `short` in `make test`, always the same ones; `long` by hand, new ones each time.

HYPOTHESIS_PROFILE=long python -m pytest -n 0 tests/properties --hypothesis-show-statistics
"""

import os

from hypothesis import HealthCheck, settings

settings.register_profile(
    "short",
    max_examples=50,
    derandomize=True,
    database=None,
    deadline=None,  # other work on the machine is no failure
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "long", settings.get_profile("short"), max_examples=5000, derandomize=False, print_blob=True
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "short"))

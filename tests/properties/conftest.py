"""How hard hypothesis tries: a little, always the same, by default; FUZZ=20000 tries that many new examples a test."""

import os

from hypothesis import HealthCheck, settings

settings.register_profile("quick", max_examples=60, deadline=None, derandomize=True)
settings.register_profile(
    "fuzz", max_examples=int(os.environ.get("FUZZ", 1)), deadline=None, suppress_health_check=list(HealthCheck)
)
settings.load_profile("fuzz" if "FUZZ" in os.environ else "quick")

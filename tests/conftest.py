"""What holds for every test."""

from hypothesis import HealthCheck, settings

# Timing is asserted in benchmarks alone: a slow machine breaks no promise.
settings.register_profile("quotadeck", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("quotadeck")

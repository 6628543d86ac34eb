"""What every test shares: a property is judged by what it finds, never by how long a busy machine takes."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "repeatable", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
settings.register_profile("exploring", settings.get_profile("repeatable"), derandomize=False)
settings.load_profile("repeatable")  # one commit, one verdict; `make storm` explores

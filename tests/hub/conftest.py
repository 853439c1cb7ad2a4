"""The local hub's fixtures."""

from support.hub_fixtures import hub, waits

__all__ = ["hub", "waits"]

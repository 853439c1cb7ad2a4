"""The local hub's fixtures."""

from support.hub_fixtures import data_hub, hub, waits

__all__ = ["data_hub", "hub", "waits"]

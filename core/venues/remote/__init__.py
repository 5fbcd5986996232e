"""A venue in a process of its own: `VenueHost` there, `RemoteVenue` here, ZeroMQ between."""

from core.venues.remote.venue import RemoteVenue, find

__all__ = ["RemoteVenue", "find"]

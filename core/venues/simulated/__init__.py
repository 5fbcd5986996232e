"""The simulated exchange: real matching among seeded, made-up people, on virtual time."""

from core.venues.simulated.listing import Listing
from core.venues.simulated.universe import default_market
from core.venues.simulated.venue import SimulatedVenue

__all__ = ["Listing", "SimulatedVenue", "default_market"]

"""What the venues list, of which the engine takes what can be traded."""

from __future__ import annotations

from collections.abc import Iterable

from core.model.instruments import Instrument, listing_problem
from core.venues.venue import Venue


def listings(venues: Iterable[Venue]) -> tuple[tuple[Instrument, ...], list[str]]:
    """The instruments that can be traded, and sentences about those that cannot."""
    usable: list[Instrument] = []
    notes: list[str] = []
    for instrument in (i for venue in venues for i in venue.instruments()):
        problem = listing_problem(instrument)
        if problem:
            notes.append(f"{instrument.id[:40]} cannot be traded: {problem}. It is left out.")
        else:
            usable.append(instrument)
    return tuple(usable), notes

"""The story of one order: what happened, when, and who asked for it."""

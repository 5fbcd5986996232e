"""Connectors: one folder a venue; each speaks the normalised words of `core.model`."""

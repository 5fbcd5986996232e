"""Cython: the matching book, the market-data book, bars, conflation."""

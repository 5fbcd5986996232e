"""Limits and their use, and the kill switch."""

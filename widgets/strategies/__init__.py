"""Strategies with their three-way switches, and the drafts they propose."""

"""Replay of a recorded market, and orders filled against it by queue position and volume."""

"""Strategies that come with the program."""

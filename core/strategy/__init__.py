"""Strategies: what they may do, how they are run, and three that come with the program."""

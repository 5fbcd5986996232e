"""Margin models: how much money an account must have for what it holds and may hold."""

"""Market data: checked, cached, and conflated for each consumer."""

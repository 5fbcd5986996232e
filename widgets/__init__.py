"""What a trader sees: one folder a panel; panels read stores and emit requests."""

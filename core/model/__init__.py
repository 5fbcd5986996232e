"""The words everyone speaks: instruments, orders, commands, events, ids, exact numbers."""

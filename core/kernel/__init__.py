"""The order manager, risk gate and positions: a deterministic state machine without I/O."""

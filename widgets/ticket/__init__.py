"""The order ticket: one order, checked before it can be sent, sent once."""

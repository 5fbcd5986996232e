"""The durable log: every input, written down before it is acted on; snapshots beside it."""

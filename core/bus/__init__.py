"""Publish and subscribe: in a process (`local`), between processes (`channel`)."""

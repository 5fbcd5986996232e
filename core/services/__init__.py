"""Services: each wires parts to a bus; embedded in one program or alone in its own process."""

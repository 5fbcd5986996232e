"""Models of risk: margin, value at risk, limits that follow the market. Pure and deterministic."""

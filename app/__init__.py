"""The program: commands, settings, processes, the window, the bridge from Qt to the engine."""

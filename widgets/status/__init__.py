"""The status bar: how each source, the engine and the screen are doing."""

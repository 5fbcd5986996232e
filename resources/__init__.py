"""Files that come with the program: default settings, icons, themes."""

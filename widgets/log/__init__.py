"""What the program and the engine had to say."""

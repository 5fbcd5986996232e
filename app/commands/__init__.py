"""The commands of the program, one module each; `app.cli` says what such a module holds."""

"""The configuration as values: its model, its reading, its editing. Opens one file."""

"""What a node writes down: audit, what is open, history, crash log."""

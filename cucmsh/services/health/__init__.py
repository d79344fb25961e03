"""Looks at a set-up and says what is not well. Changes nothing."""

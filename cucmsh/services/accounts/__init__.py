"""Passwords, accounts of administrators, and who may not log in any more."""

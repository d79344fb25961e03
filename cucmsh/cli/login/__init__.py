"""Logins by sshd: what was asked for, and its environment."""

"""Whole files below one folder: the protocol, this disk, its locks."""

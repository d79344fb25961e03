"""Whole files below one folder: the protocol of a store, the local store, locks."""

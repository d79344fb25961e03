"""Disaster recovery: sets on an SFTP server, and what a subscriber can bring back.

``devices`` where to; ``manifest`` what a set is; ``contents`` what of a node is in it;
``backup``, ``sets`` (what lies on a device, and what goes), ``jobs`` (status, history),
``schedule``; ``material`` and ``apply`` what a restore brings back, ``restore``,
``member`` what a subscriber tells (docs/decisions/043).
"""

"""The database of what is known of phones; the only importer of SQLAlchemy.

SQLite without a setting, PostgreSQL by URL. It keeps claims (``cucmsh.phones.claims``)
and answers who was last known to hold what; whom to believe is not its business
(docs/decisions/031).
"""

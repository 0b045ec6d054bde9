"""Opening, checking, locking, reading, writing and removing the database file.

May import ``errors``, ``tasks``, ``validation`` and ``rows`` of this package, and nothing above.
"""

"""The process of a laboratory's server: its socket, its workers, its log and its end.

May import everything of ``lab``.
"""

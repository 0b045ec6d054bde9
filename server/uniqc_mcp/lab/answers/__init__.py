"""The answers of a laboratory's server: the tools that read, over what each requester may see.

May import the server's own parts and ``lab.access``; it knows no database.
"""

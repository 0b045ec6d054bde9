"""The opening of a connection: the handshake and the listings, answered from a recording.

Most servers that a client starts are never asked anything else. The SDK takes 0.6 s of processor
time and 50 MB to import, so it is imported for the first message that needs it. Everything that
``serve`` defers is deferred here. This folder loads light modules of the standard library only.
"""

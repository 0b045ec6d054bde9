"""The rules for showing text of a record or a caller: sanitized, redacted, bounded, quoted.

Imports the token budget and the store's public names only.
"""

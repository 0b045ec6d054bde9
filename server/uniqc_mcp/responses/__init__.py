"""The parts that the answers of all tools share: base models, schemas, times, notes, phrases.

Imports safety, the token budget and the store's public names only.
"""

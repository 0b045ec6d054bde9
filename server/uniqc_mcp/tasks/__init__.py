"""The tools that list, count and get tasks, with their arguments, answers and texts.

Imports results, responses, safety, errors and the store's public names only.
"""

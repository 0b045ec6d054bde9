"""The tools that list, count and get tasks, with their arguments, answers and texts.

May import results, responses, safety, errors, the token budget and the store's public names.
"""

"""The tool compare_tasks, whose answer the prompt explain_differences uses too.

May import tasks and what tasks may, but not clearing or waiting.
"""

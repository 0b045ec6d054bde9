"""The tools that clear finished tasks and put them back: consent, the two tools, their answers.

May import what tasks may, tasks itself and the context, but not waiting.
"""

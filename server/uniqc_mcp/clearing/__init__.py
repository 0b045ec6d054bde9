"""The tools that clear finished tasks and put them back: consent, the two tools, their answers.

It may import ``tasks``, ``pending_plans``, ``context`` and what these may, but not ``waiting``.
"""

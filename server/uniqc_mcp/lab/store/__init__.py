"""Answers to the server's questions, of the tasks that one viewer may see.

It imports ``lab.database`` and the values of ``uniqc_store``.
"""

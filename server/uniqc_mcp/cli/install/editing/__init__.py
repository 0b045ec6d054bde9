"""Edits of configuration files that change one entry and keep every other byte."""

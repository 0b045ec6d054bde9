"""The measurements, one module for each subject, each with a function ``measure``."""

"""Histograms as PNG images, drawn without other packages.

It imports ``results`` and what is below it.
"""

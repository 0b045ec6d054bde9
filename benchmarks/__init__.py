"""The benchmarks: what uniqc-mcp costs, compared with the least that each part could cost.

    python -m benchmarks --quick

It needs the ``bench`` extra and, the first time, the package registry.
"""

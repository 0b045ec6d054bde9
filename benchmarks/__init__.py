"""What uniqc-mcp costs, beside what each part of it could cost at the least.

    python -m benchmarks --quick

It needs the ``bench`` extra and, the first time, the package registry.
"""

"""``python -m uniqc_mcp``."""

from uniqc_mcp.cli.commands import main

if __name__ == "__main__":
    main()

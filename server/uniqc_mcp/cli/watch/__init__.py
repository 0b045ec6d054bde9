"""`uniqc-mcp watch`: what a person sees of the store in a terminal, and a script on its stdin."""

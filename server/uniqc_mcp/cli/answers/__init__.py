"""The tools' answers on a command line: list, stats, get and plot. It imports no other command."""

"""The tools' answers on a command line: get, list, plot and stats. It imports no other command."""

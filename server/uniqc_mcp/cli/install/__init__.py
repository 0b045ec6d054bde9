"""The commands ``install`` and ``uninstall``, which tell clients of this server.

They are imported only when one of them runs, with the libraries that edit TOML and YAML.
"""

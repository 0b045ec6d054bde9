"""Who asks: tokens of this server's own, or those of an OIDC provider.

May import ``lab.database`` and the SDK's values of authorization.
"""

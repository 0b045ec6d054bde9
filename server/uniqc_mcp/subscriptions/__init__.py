"""Notifications to clients about resources that have changed, and the watcher behind them.

May import protocol, safety and the store; waiting uses its watcher.
"""

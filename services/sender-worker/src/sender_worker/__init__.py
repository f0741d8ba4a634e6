"""Renders, sends and records each message."""

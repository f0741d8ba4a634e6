"""Fans a send out into one job per message."""

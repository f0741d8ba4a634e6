"""Campaigns: their routes, their rows, their lists and their stats."""

"""Sending a campaign: the send, its controls and the preview."""

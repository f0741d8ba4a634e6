"""Personalization: languages, variants and content of a campaign's messages. Opens no socket and runs no SQL."""

"""The messages of a campaign."""

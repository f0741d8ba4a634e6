"""Dry runs: the messages of a campaign, rendered for its whole audience and not sent."""

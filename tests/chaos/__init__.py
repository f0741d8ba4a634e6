"""Rounds of 20,000 messages in which everything is killed, and an audit of what became of them."""

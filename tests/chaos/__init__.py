"""Chaos rounds: send 20,000 messages while processes are killed, then audit the result."""

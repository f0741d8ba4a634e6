"""A running stack, seen from outside."""

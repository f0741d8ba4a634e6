"""Ceilings: the same work in the fewest steps, without Leopard's framework."""

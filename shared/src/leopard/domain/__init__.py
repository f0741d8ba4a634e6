"""The rules of Leopard, in the standard library alone."""

"""The least that could be done: the same work by hand, with nothing of Leopard around it."""

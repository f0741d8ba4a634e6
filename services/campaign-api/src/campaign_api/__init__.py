"""The HTTP API of Leopard."""

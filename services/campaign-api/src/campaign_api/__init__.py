"""HTTP in front of Leopard."""

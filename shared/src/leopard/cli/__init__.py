"""The `leopard` command, a file for each noun."""

"""The `leopard` command, one file for each group of commands."""

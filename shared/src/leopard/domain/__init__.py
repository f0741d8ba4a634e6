"""The rules of Leopard. Knows no database, no broker and no HTTP."""

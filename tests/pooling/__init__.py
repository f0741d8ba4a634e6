"""Leopard behind a pooler: a real PgBouncer."""

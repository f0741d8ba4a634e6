"""Tests of Leopard behind a real PgBouncer."""

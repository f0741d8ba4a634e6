"""PostgreSQL: tables, the pool, transitions and migrations."""

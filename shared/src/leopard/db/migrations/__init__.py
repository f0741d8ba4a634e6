"""Alembic's environment; inside the package, so that every image carries its migrations."""

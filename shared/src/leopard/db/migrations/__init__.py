"""Alembic's environment. It is inside the package so that every image contains the migrations."""

"""The SQL of every migration, for squawk."""

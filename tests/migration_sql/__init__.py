"""Write the SQL of every migration, for squawk."""

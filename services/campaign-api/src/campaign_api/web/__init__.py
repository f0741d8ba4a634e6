"""HTTP without tables: bodies, errors, pages, logs, documentation."""

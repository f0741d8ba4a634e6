"""What knows HTTP and no table: bodies, errors, pages, logs, documentation."""

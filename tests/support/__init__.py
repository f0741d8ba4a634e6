"""Support for tests: stores, rows, and a check of their logs."""

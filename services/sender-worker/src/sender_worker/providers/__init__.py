"""Providers, a file each: whoever takes a rendered message and brings it to its recipient."""

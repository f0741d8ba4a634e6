"""The sender-worker: claims, renders, sends and records messages."""

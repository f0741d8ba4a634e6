"""Peers: the same work as a task of popular Python queues: select, render, send, update, then ack."""

"""The same work as a task of the queues that Python teams reach for: select, render, provider, update, then ack."""

"""Leopard as processes on one machine: a PostgreSQL and a RabbitMQ of its own, and the services.

`debian` and `bootstrap` run on the system's Python before anything is installed; they use the standard library alone.
"""

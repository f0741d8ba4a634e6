"""Run Leopard as processes on one machine: a private PostgreSQL and RabbitMQ, and the services.

`debian` and `bootstrap` run on the system's Python before anything is installed. They use only the standard library.
"""

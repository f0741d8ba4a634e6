"""PostgreSQL's protocol and RabbitMQ over TLS: who is trusted, and how a certificate is shown."""

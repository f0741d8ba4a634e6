"""RabbitMQ: queues, connections, jobs and dead letters."""

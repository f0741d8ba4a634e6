"""RabbitMQ: connections, queues, jobs and dead letters. Writes no table."""

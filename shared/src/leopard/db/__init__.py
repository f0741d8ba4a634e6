"""PostgreSQL: connections, tables, migrations, and the SQL that several services share."""

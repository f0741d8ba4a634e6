"""Counts of the customers that have a field, kept by triggers: whatever writes a customer, the counts follow.

The migration counts the customers that are there. Meanwhile customers can be read and written to, not changed.
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

COUNTS = """
CREATE TABLE customer_field_counts (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    field     text NOT NULL,
    customers bigint NOT NULL
)
"""

# Each statement adds rows instead of changing one row for each field, so no writer waits for another. The sum of a
# field's rows is its count. Maintenance adds the rows up.
COUNT = """
CREATE FUNCTION count_customer_fields() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO customer_field_counts (field, customers)
        SELECT field, customers FROM ({new}) AS counted WHERE customers <> 0;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO customer_field_counts (field, customers)
        SELECT field, -customers FROM ({old}) AS counted WHERE customers <> 0;
    ELSE
        INSERT INTO customer_field_counts (field, customers)
        SELECT field, sum(change)
          FROM (SELECT field, customers AS change FROM ({new}) AS new_counted
                 UNION ALL
                SELECT field, -customers FROM ({old}) AS old_counted) AS changes
         GROUP BY field
        HAVING sum(change) <> 0;
    END IF;
    RETURN NULL;
END
$$
"""

COUNTED = """
    SELECT field, customers
      FROM (SELECT count(*) AS total, count(first_name) AS first_name, count(last_name) AS last_name,
                   count(location) AS location, count(preferred_product) AS preferred_product,
                   count(preferred_language) AS preferred_language, count(time_zone) AS time_zone
              FROM {rows}) AS columns
     CROSS JOIN LATERAL (VALUES ('phone', total), ('first_name', first_name), ('last_name', last_name),
                                ('location', location), ('preferred_product', preferred_product),
                                ('preferred_language', preferred_language), ('time_zone', time_zone),
                                ('created_at', total)) AS columns_of (field, customers)
     UNION ALL
    SELECT 'attributes.' || attribute, count(*)
      FROM {rows} CROSS JOIN LATERAL jsonb_object_keys(attributes) AS attribute
     GROUP BY attribute
"""

TRIGGERS = """
CREATE TRIGGER count_fields_of_new_customers AFTER INSERT ON customers
    REFERENCING NEW TABLE AS new_customers FOR EACH STATEMENT EXECUTE FUNCTION count_customer_fields();
CREATE TRIGGER count_fields_of_changed_customers AFTER UPDATE ON customers
    REFERENCING OLD TABLE AS old_customers NEW TABLE AS new_customers
    FOR EACH STATEMENT EXECUTE FUNCTION count_customer_fields();
CREATE TRIGGER count_fields_of_deleted_customers AFTER DELETE ON customers
    REFERENCING OLD TABLE AS old_customers FOR EACH STATEMENT EXECUTE FUNCTION count_customer_fields()
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(COUNTS)
    new, old = COUNTED.format(rows="new_customers"), COUNTED.format(rows="old_customers")
    op.execute(COUNT.format(new=new, old=old))
    op.execute(TRIGGERS)
    op.execute(
        "INSERT INTO customer_field_counts (field, customers)"
        f" SELECT field, customers FROM ({COUNTED.format(rows='customers')}) AS counted WHERE customers <> 0"
    )


def downgrade() -> None:
    for customers in ("new", "changed", "deleted"):
        op.execute(f"DROP TRIGGER count_fields_of_{customers}_customers ON customers")
    op.execute("DROP FUNCTION count_customer_fields")
    op.execute("DROP TABLE customer_field_counts")

"""Write the table of settings into the README: `make settings-table`."""

from settings_table.table import README, with_table

README.write_text(with_table(README.read_text()))

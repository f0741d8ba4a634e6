"""The table in the README matches the settings classes."""

from settings_table.table import README, with_table


def test_the_readme_has_the_current_table_of_settings() -> None:
    readme = README.read_text()
    assert readme == with_table(readme), "the table of settings is out of date: run `make settings-table`"

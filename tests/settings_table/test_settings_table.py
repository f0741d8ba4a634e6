"""The README lists every setting as the settings classes have it."""

from settings_table.table import README, with_table


def test_the_readme_has_the_table_of_the_settings_classes() -> None:
    readme = README.read_text()
    assert readme == with_table(readme), "the table of settings is out of date: run `make settings-table`"

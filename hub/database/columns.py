"""The kinds of column that mean the same in both engines; besides them Tortoise's own integers and bytes."""

from tortoise.fields import Field


class Text(Field[str], str):  # type: ignore[misc]  # Tortoise's fields are also the type they hold.
    """Text of any length; unlike Tortoise's ``TextField`` it may be a key, as both engines allow."""

    SQL_TYPE = "TEXT"

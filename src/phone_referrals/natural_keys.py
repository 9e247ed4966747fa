"""Natural keys of our rows in fixtures: on another site a primary key belongs to another row."""

from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import models


class NaturalKeyQuerySet(models.QuerySet[Any]):
    def get_by_natural_key(self, *key: Any) -> Any:
        """Return the row of a natural key. A user's own natural key, if it is part of it, comes last."""
        names: tuple[str, ...] = self.model.natural
        relations = [name for name in names if self.model._meta.get_field(name).is_relation]
        values = dict(zip((name for name in names if name not in relations), key, strict=False))
        for name in relations:
            users: Any = get_user_model()._default_manager.db_manager(self.db)
            values[name] = users.get_by_natural_key(*key[len(values) :])
        return self.get(**values)


class NaturalKeyModel(models.Model):
    natural: ClassVar[tuple[str, ...]]

    class Meta:
        abstract = True

    def natural_key(self) -> tuple[Any, ...]:
        values: list[Any] = [getattr(self, name) for name in self.natural]
        parts = [value.natural_key() if hasattr(value, "natural_key") else (value,) for value in values]
        return tuple(part for key in parts for part in key)

    natural_key.dependencies = [settings.AUTH_USER_MODEL]  # type: ignore[attr-defined] # Django's own name for it.

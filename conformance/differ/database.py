"""The SQLite file of a server under test: new rows, changed users, and the actions of a case."""

import re
import sqlite3
from contextlib import closing

OUTSTANDING = "token_blacklist_outstandingtoken"
BLACKLISTED = "token_blacklist_blacklistedtoken"


class Database:
    def __init__(self, path, profile):
        self.path = path
        self.user_table = "customers_customer" if profile["user_model"] == "customer-email" else "auth_user"
        self.has_blacklist = profile["blacklist_app"]
        self.original_users = self.users()

    def _connect(self):
        connection = sqlite3.connect(self.path, timeout=20, isolation_level=None)
        connection.row_factory = sqlite3.Row
        return closing(connection)

    def _query(self, statement, parameters=()):
        with self._connect() as connection:
            return [dict(row) for row in connection.execute(statement, parameters)]

    def users(self):
        """User rows by id."""
        return {row["id"]: row for row in self._query(f"SELECT * FROM {self.user_table}")}

    def marks(self):
        """The last ids of both token tables."""
        if not self.has_blacklist:
            return (0, 0)
        row = self._query(
            f"SELECT (SELECT coalesce(max(id), 0) FROM {OUTSTANDING}) AS outstanding,"
            f" (SELECT coalesce(max(id), 0) FROM {BLACKLISTED}) AS blacklisted"
        )[0]
        return (row["outstanding"], row["blacklisted"])

    def rows_since(self, marks):
        """Outstanding and blacklisted rows beyond the marks, in order."""
        if not self.has_blacklist:
            return [], []
        outstanding = self._query(f"SELECT * FROM {OUTSTANDING} WHERE id > ? ORDER BY id", marks[:1])
        blacklisted = self._query(
            f"SELECT o.jti, b.blacklisted_at FROM {BLACKLISTED} b JOIN {OUTSTANDING} o ON o.id = b.token_id"
            " WHERE b.id > ? ORDER BY b.id",
            marks[1:],
        )
        return outstanding, blacklisted

    def restore_users(self):
        """Undoes what a case did to users."""
        if self.users() == self.original_users:
            return
        with self._connect() as connection:
            for row in self.original_users.values():
                columns = ", ".join(row)
                marks = ", ".join("?" * len(row))
                updates = ", ".join(f"{column} = excluded.{column}" for column in row)
                connection.execute(
                    f"INSERT INTO {self.user_table} ({columns}) VALUES ({marks})"
                    f" ON CONFLICT (id) DO UPDATE SET {updates}",
                    tuple(row.values()),
                )

    def act(self, step, jti=None):
        """Performs the action of a step."""
        action, user_id = step["action"], step.get("user_id")
        with self._connect() as connection:
            if action == "delete_outstanding":
                connection.execute(
                    f"DELETE FROM {BLACKLISTED} WHERE token_id IN (SELECT id FROM {OUTSTANDING} WHERE jti = ?)", (jti,)
                )
                connection.execute(f"DELETE FROM {OUTSTANDING} WHERE jti = ?", (jti,))
            elif action == "delete_user":
                if self.has_blacklist:
                    connection.execute(f"UPDATE {OUTSTANDING} SET user_id = NULL WHERE user_id = ?", (user_id,))
                connection.execute(f"DELETE FROM {self.user_table} WHERE id = ?", (user_id,))
            else:
                field, value = _assignment(step)
                connection.execute(f"UPDATE {self.user_table} SET {field} = ? WHERE id = ?", (value, user_id))


def _assignment(step):
    fixed = {
        "deactivate_user": ("is_active", 0),
        "activate_user": ("is_active", 1),
        "set_password": ("password", step.get("encoded")),
        "set_field": (step.get("field"), step.get("value")),
    }
    field, value = fixed[step["action"]]
    if not re.fullmatch("[a-z_]+", field):
        raise ValueError(f"no column name: {field}")
    return field, value

"""Tables, transactions and statements, alike on SQLite and PostgreSQL.

A plugin derives its tables from `Table`, changes things inside `async with transaction() as events:` and adds the
events there. Migrations have their own module, `muntin.database.migrations`, which a serving process never imports.
"""

from muntin.database.apps import App
from muntin.database.compiled import CompiledQuery
from muntin.database.connection import close_database, database_dialect, open_database, ping, tortoise_config
from muntin.database.identifiers import uuid7
from muntin.database.statements import (
    compare_and_set,
    count_statements,
    execute,
    fetch_all,
    fetch_list,
    read_datetime,
    read_json,
    read_uuid,
)
from muntin.database.tables import Table
from muntin.database.transactions import Transaction, TransactionContention, run_in_transaction, transaction

__all__ = [
    "App",
    "CompiledQuery",
    "Table",
    "Transaction",
    "TransactionContention",
    "close_database",
    "compare_and_set",
    "count_statements",
    "database_dialect",
    "execute",
    "fetch_all",
    "fetch_list",
    "open_database",
    "ping",
    "read_datetime",
    "read_json",
    "read_uuid",
    "run_in_transaction",
    "tortoise_config",
    "transaction",
    "uuid7",
]

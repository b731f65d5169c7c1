"""The requests, one function for each sequence that shares connections and topics."""

from cases import admin, data, groups, migration, shapes, transactions

ALL = [*shapes.CASES, *data.CASES, *groups.CASES, *migration.CASES, *admin.CASES, *transactions.CASES]

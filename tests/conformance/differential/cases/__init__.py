"""The requests, one function for each sequence that shares connections and topics."""

from cases import admin, data, groups, shapes, transactions

ALL = [*shapes.CASES, *data.CASES, *groups.CASES, *admin.CASES, *transactions.CASES]

"""The requests, one function for each sequence that shares connections and topics."""

from cases import admin, cluster, data, groups, migration, quotas, shapes, transactions

ALL = [*shapes.CASES, *data.CASES, *groups.CASES, *migration.CASES, *admin.CASES, *cluster.CASES, *quotas.CASES, *transactions.CASES]

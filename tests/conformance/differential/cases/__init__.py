"""The requests, one function for each sequence that shares connections and topics."""

from cases import data, groups, shapes

ALL = [*shapes.CASES, *data.CASES, *groups.CASES]

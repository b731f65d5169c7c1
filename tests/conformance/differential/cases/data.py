"""Produce, Fetch, ListOffsets, DeleteRecords and idempotent producers: what is wrong, and what is only just right."""

import batches
from batches import batch

CASES = []

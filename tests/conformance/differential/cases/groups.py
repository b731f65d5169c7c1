"""Classic groups and committed offsets."""

import batches
from batches import batch

CASES = []

"""The on-chip file system: cells, descriptors, the tree and what is inside the files."""

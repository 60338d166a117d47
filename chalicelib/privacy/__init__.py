"""What the law lets users ask of their data: a copy of all of it, and to be forgotten."""

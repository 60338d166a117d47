"""A payment provider that ships with the shop, scripted by tokens, with books that say what really happened (P6)."""

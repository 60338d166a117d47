"""What the shop's people are told of the whole store: the audit of stock and money, and the sales of a day."""

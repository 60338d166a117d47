"""The catalogue: what is for sale, at what price, and how much of it is left."""

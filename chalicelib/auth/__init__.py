"""Sessions and tokens: logging in, staying in, being let in."""

"""What tests and benchmarks share: a customer's hands, and the table as the template defines it."""

"""The AWS services that the shop speaks to, one module a job; it knows no HTTP and no domain."""

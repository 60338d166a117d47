"""Makes what is deployed: the SAM template and the code of a stage."""

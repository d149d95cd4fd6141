"""Virtual machines: their configuration as the API keeps it, and what is done with them."""

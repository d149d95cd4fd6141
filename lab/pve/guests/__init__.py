"""What stands behind a running guest: the backend protocol and a simulated backend."""

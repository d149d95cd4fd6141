"""The network configuration of a node."""

"""The embedded lab: everything that stands for hardware or the internet."""

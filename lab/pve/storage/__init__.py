"""Storages: storage.cfg, volumes and their accounting, downloads."""

"""An emulator of the Proxmox VE API. See README.md in this folder."""

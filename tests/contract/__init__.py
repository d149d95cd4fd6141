"""The emulator against what is known of Proxmox VE, its official description, and foreign clients."""

"""Bytes to frozen values and back, one file per instrument; nothing here reads, waits or logs."""

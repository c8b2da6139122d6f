"""Drivers of the bench's instruments, the bytes they speak (`wire`) and their simulators (`sim`)."""

"""What residents see of their reports. Start reading at `what.py`, `where.py`, `send.py`, then `matters.py`."""

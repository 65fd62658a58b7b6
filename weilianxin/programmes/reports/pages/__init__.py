"""What residents see of their reports. Start reading at `report.py` (three steps), then `matters.py`."""

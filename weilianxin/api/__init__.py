"""JSON for the mini-program and partners: the same acts as at the portal and the desk, no rule written twice.

May import cases and below. A programme brings its own part in its `api`, found by name. Start reading at `frame.py`,
then `urls.py`; docs/api.md says how it is used.
"""

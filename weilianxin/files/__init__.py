"""Photos: checked by content, decoded in a limited child process, re-encoded without metadata, served to whom may see.

Voice notes: checked by content, kept without metadata, served to whom may hear.

May import people and below. Start reading at `intake.py`, then `store.py`.
"""

"""Telling people: texts as data, an in-app inbox, and an outbox that a loop delivers by SMS and mail.

May import files and below. Start reading at `send.py`, then `deliver.py`.
"""

"""Clients of outside services, without models: SMS and mail here; others beside them.

May import only lib. Start reading at `sms.py`.
"""

"""Clients of outside services, without models: SMS, mail and WeChat.

May import only lib. Start reading at `sms.py`.
"""

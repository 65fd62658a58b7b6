from django.apps import AppConfig


class JournalConfig(AppConfig):
    name = "weilianxin.journal"
    verbose_name = "台账"

from django.apps import AppConfig


class CasesConfig(AppConfig):
    name = "weilianxin.cases"
    verbose_name = "案件"

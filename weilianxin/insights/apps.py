from django.apps import AppConfig


class InsightsConfig(AppConfig):
    name = "weilianxin.insights"
    verbose_name = "数字"

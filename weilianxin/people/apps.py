from django.apps import AppConfig


class PeopleConfig(AppConfig):
    name = "weilianxin.people"
    verbose_name = "人员"

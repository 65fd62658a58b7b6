from django.apps import AppConfig


class AreasConfig(AppConfig):
    name = "weilianxin.areas"
    verbose_name = "区域"

    def ready(self):
        from weilianxin.areas.generation import watch

        watch()

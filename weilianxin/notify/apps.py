from django.apps import AppConfig
from django.db.models.signals import post_migrate


class NotifyConfig(AppConfig):
    name = "weilianxin.notify"
    verbose_name = "通知"

    def ready(self):
        from weilianxin.people.erasure import register_eraser
        from weilianxin.people.mydata import register_section

        from . import templates, texts
        from .inbox import held
        from .send import erase_person

        register_eraser(erase_person)
        register_section("messages", held)
        register_section("wechat_permissions", templates.held)
        post_migrate.connect(texts.after_migrate, sender=self)
        post_migrate.connect(templates.after_migrate, sender=self)

from django.apps import AppConfig


class FilesConfig(AppConfig):
    name = "weilianxin.files"
    verbose_name = "文件"

    def ready(self):
        from weilianxin.people.erasure import register_eraser

        from .store import erase_person

        register_eraser(erase_person)

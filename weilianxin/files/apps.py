from django.apps import AppConfig


class FilesConfig(AppConfig):
    name = "weilianxin.files"
    verbose_name = "文件"

    def ready(self):
        from weilianxin.people.erasure import register_eraser
        from weilianxin.people.mydata import register_section

        from .store import erase_person, held, held_sounds

        register_eraser(erase_person)
        register_section("photos", held)
        register_section("sounds", held_sounds)

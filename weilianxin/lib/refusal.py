"""The one base of everything that is refused with a sentence: a page catches it and shows the sentence."""


class Refused(Exception):
    """Nothing was done. `str()` is a sentence its reader can act upon, `status` the HTTP status of the answer,
    `field` the name of the form's field it is about, if it is about one."""

    status = 422
    field = None

    def __init__(self, message="", field=None):
        super().__init__(message)
        if field is not None:
            self.field = field

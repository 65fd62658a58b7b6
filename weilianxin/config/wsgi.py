"""The WSGI application that `weilianxin serve` runs."""

import os

from django.core.wsgi import get_wsgi_application

from weilianxin.lib.edge import without_charset

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "weilianxin.config.settings")
application = without_charset(get_wsgi_application())

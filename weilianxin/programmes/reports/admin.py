"""The administrator's pages of this programme: categories, limits by urgency, and parameters.

Every change makes a new version of the rules; cases keep the version under which they were accepted.
"""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from weilianxin.cases.errors import Invalid
from weilianxin.cases.forms import Field
from weilianxin.cases.models import Urgency
from weilianxin.desk.admin.frame import ADMIN, attempt, filled, note, page, taken, typed
from weilianxin.lib.clock import Limit
from weilianxin.people.models import HANDLER_KINDS
from weilianxin.people.session import admin_required

from . import catalogue, policy
from .models import Category, Channel, LevelLimit, Parameter, RuleVersion

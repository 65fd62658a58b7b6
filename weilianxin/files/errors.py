"""Why a photo or a voice note was not taken in, in a sentence its sender can act upon."""

from django.utils.translation import gettext as _

from weilianxin.lib.refusal import Refused


class BadPhoto(Refused):
    """A photo was refused. `str()` is the sentence, `why` is for programs.

    `index` counts from 0; None means the whole lot.
    """

    field = "photos"

    def __init__(self, why, index=None):
        self.why, self.index = why, index
        n = {"n": (index or 0) + 1}
        super().__init__(
            {
                "many": _("一次最多发9张照片，请减少几张再发。"),
                "empty": _("第%(n)s张照片是空的，请重新拍一张再发。") % n,
                "heavy": _("第%(n)s张照片超过20MB，请在相机里选小一点的尺寸再拍，或发截图。") % n,
                "large": _("第%(n)s张照片的尺寸太大（最多4000万像素，每边12000像素），请截取一部分再发。") % n,
                "heic": _(
                    "第%(n)s张照片是HEIC格式，这里打不开。请在手机“设置→相机→格式”里选“兼容性最佳”（JPEG）再拍，或发截图。"
                )
                % n,
                "kind": _("第%(n)s个文件不是照片。请发JPEG、PNG、WebP或GIF格式的照片。") % n,
                "broken": _("第%(n)s张照片打不开，可能没有传完整。请重新拍一张，或截图后再发。") % n,
                "slow": _("第%(n)s张照片处理太久，没有收下。请截图后再发。") % n,
                "gone": _("第%(n)s张照片已经用过，或过了一天，请再选一次。") % n,
                "busy": _("同时发照片的人太多，第%(n)s张还没有收下。请过一分钟再发，填写的内容可以保留。") % n,
            }[why]
        )


class BadSound(Refused):
    """A voice note was refused. `str()` is the sentence, `why` is for programs."""

    field = "sound"

    def __init__(self, why):
        self.why = why
        super().__init__(
            {
                "empty": _("录音是空的，请重新录一段。"),
                "heavy": _("录音超过2MB，请说短一点，再录一段。"),
                "long": _("录音超过60秒，请说短一点，再录一段；也可以把事情写下来。"),
                "kind": _("这个文件不是能播放的录音。请直接录音，或发MP3、M4A、OGG、WebM、WAV格式的录音。"),
                "broken": _("录音打不开，可能没有传完整。请重新录一段。"),
                "used": _("这段录音已经用过了，请重新录一段。"),
            }[why]
        )

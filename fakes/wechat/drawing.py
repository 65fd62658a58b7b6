"""The picture of a code: a plain QR of a link, because only WeChat draws and reads its round codes."""

import io

import segno
from PIL import Image

QUIET = 4  # modules of white around the code


def draw(link, width, colour=(0, 0, 0), hyaline=False):
    """Bytes of a square picture `width` pixels wide: JPEG, or with `hyaline` a PNG whose ground is transparent."""
    code = segno.make(link, error="m", micro=False)
    rows = [[bool(cell) for cell in row] for row in code.matrix_iter(border=QUIET)]
    dark, ground = (*colour, 255), (255, 255, 255, 0 if hyaline else 255)
    image = Image.new("RGBA", (len(rows), len(rows)))
    image.putdata([dark if cell else ground for row in rows for cell in row])
    scale = width // len(rows)
    whole = Image.new("RGBA", (width, width), ground)
    edge = (width - scale * len(rows)) // 2
    whole.paste(image.resize((scale * len(rows),) * 2, Image.Resampling.NEAREST), (edge, edge))
    out = io.BytesIO()
    if hyaline:
        whole.save(out, "PNG")
    else:
        whole.convert("RGB").save(out, "JPEG", quality=92)
    return out.getvalue()

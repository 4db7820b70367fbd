"""Photos that people upload: judged by what is in them, never by their name, and without camera, place or owner inside."""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image, ImageOps, UnidentifiedImageError

from distributor import images
from distributor.contract import MediaFile
from distributor.errors import ActionError
from distributor.importing.language import slug

MAX_PHOTO = 20_000_000  #: bytes
MAX_PIXELS = 60_000_000  #: of one picture; a moving one counts all of its frames
MAX_FRAMES = 500
_SMALLEST = 16  #: pixels that a crop keeps, each way
_FORMATS = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp", "GIF": "gif"}
_PRIVATE = {"exif", "xmp", "comment", "photoshop", "XML:com.adobe.xmp", "Raw profile type exif"}
_KINDS = {
    b"%PDF": "it is a PDF document",
    b"PK\x03\x04": "it is a ZIP archive or an Office document",
    b"\x00\x00\x00": "it is a film or a HEIC photo; save the photo as JPEG",
    b"II*\x00": "it is a TIFF; save the photo as JPEG",
    b"MM\x00*": "it is a TIFF; save the photo as JPEG",
}
_FAILS = (
    UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError, MemoryError, OverflowError, LookupError, TypeError,
    Image.DecompressionBombError, Image.DecompressionBombWarning,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Photo:
    """A picture that is what it says, ready to lie beside a release."""

    file: MediaFile
    width: int  #: pixels, upright
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """What is kept of a photo, in its pixels."""

    x: int
    y: int
    width: int
    height: int


def read(data: bytes, name: str) -> Photo:
    """The uploaded picture, cleaned, named after its upload and its content.

    Raises ActionError for what is no JPEG, PNG, WebP or GIF, is larger than 20 MB or 60 megapixels, moves in more
    than 500 frames, or is damaged.
    """
    if len(data) > MAX_PHOTO:
        raise ActionError(f"the photo has {len(data) / 1e6:.1f} MB; at most {MAX_PHOTO / 1e6:.0f} MB are taken")
    if not data:
        raise ActionError("the file is empty: choose a photo")
    form, frames = _judge(data)
    clean = _moving(data, form) if frames > 1 else _stripped(data, form)
    with Image.open(io.BytesIO(clean)) as image:
        width, height = image.size
    stem = slug(Path(name.replace("\\", "/")).stem[:200])
    stem = stem.replace("release-", "photo-", 1) if stem.startswith("release-") else stem
    media = MediaFile(name=f"{stem}.{_FORMATS[form]}", content_type=Image.MIME[form], data=clean)
    return Photo(file=media, width=width, height=height)


def kind(data: bytes) -> str | None:
    """The media type of a picture by its content; None for what is none of the four."""
    try:
        with Image.open(io.BytesIO(data), formats=tuple(_FORMATS)) as image:
            return "image/jpeg" if image.format == "MPO" else Image.MIME[str(image.format)]
    except _FAILS:
        return None


def _judge(data: bytes) -> tuple[str, int]:
    """The format and the number of frames, every one of them decoded."""
    try:
        with Image.open(io.BytesIO(data), formats=tuple(_FORMATS)) as image:
            form = "JPEG" if image.format == "MPO" else str(image.format)
            if image.width * image.height > MAX_PIXELS:
                raise _too_large(image.width * image.height)
            image.verify()
        with Image.open(io.BytesIO(data), formats=tuple(_FORMATS)) as image:
            frames = _frames(image, form)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _too_large(None) from None
    except _FAILS:
        raise ActionError(_why_not(data)) from None
    return form, frames


def _frames(image: Image.Image, form: str) -> int:
    """The number of frames, decoded one by one and no further than allowed: counting them all takes its time as well."""
    for number in range(1, MAX_FRAMES + 1):
        image.load()
        if form == "JPEG":  # the second picture in MPO is not read
            return 1
        try:
            image.seek(number)
        except EOFError:
            return number
        if image.width * image.height * (number + 1) > MAX_PIXELS:
            raise _too_large(None)
    raise ActionError(f"the picture has more than {MAX_FRAMES} frames: shorten it, or make it a film")


def _too_large(pixels: int | None) -> ActionError:
    size = f"{pixels / 1e6:.0f}" if pixels else "far too many"
    return ActionError(f"the picture has {size} megapixels; at most {MAX_PIXELS / 1e6:.0f} are taken: make it smaller")


def _why_not(data: bytes) -> str:
    if data[:400].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        why = "it is HTML, SVG or XML, which may hold programs"
    else:
        known = (words for magic, words in _KINDS.items() if data.startswith(magic))
        why = next(known, "it is damaged, or something else")
    return f"this is no photo that can be taken: {why}. JPEG, PNG, WebP and GIF are taken, whatever the file is called"


def _stripped(data: bytes, form: str) -> bytes:
    """Without metadata; the same bytes where there is none."""
    cleaned = images.clean(MediaFile(name="photo", content_type=Image.MIME[form], data=data)).data
    with Image.open(io.BytesIO(cleaned)) as image:
        private = _PRIVATE & set(image.info) or dict(image.getexif()) or getattr(image, "text", None)
        if not private and image.format != "MPO":  # phones hide a second picture in MPO, and all the metadata twice
            return cleaned
        return _encoded(ImageOps.exif_transpose(image), form)


def _moving(data: bytes, form: str) -> bytes:
    """A moving picture frame by frame, so that only pictures and their times are left."""
    target, pictures, times = io.BytesIO(), [], []
    with Image.open(io.BytesIO(data)) as image:
        loop = image.info.get("loop", 0)
        for number in range(int(getattr(image, "n_frames", 1))):
            image.seek(number)
            image.load()
            times.append(int(image.info.get("duration", 0)) or 100)
            bare = image.convert("RGBA")
            bare.info = {}
            pictures.append(bare)
    pictures[0].save(target, form, save_all=True, append_images=pictures[1:], duration=times, loop=loop)
    return target.getvalue()


def _encoded(image: Image.Image, form: str) -> bytes:
    """Pixels and colour profile anew."""
    target, profile = io.BytesIO(), image.info.get("icc_profile")
    mode = "RGB" if form == "JPEG" and image.mode not in ("RGB", "L", "CMYK") else image.mode
    bare = Image.frombytes(image.mode, image.size, image.tobytes())  # nothing but pixels comes along
    if image.mode == "P" and (palette := image.getpalette()):
        bare.putpalette(palette)
    bare = bare if mode == image.mode else bare.convert(mode)
    options: dict[str, Any] = {"quality": 92} if form in ("JPEG", "WEBP") else {}
    if "transparency" in image.info and mode == image.mode:
        options["transparency"] = image.info["transparency"]
    bare.save(target, form, **options, **({"icc_profile": profile} if profile and form != "GIF" else {}))
    return target.getvalue()


def crop(data: bytes, name: str, box: Box) -> Photo:
    """What lies within the box, as a photo of its own beside the whole one, named by its place.

    Raises ActionError for a box that reaches beyond the photo, is smaller than 16 pixels, or for a moving picture.
    """
    form, frames = _judge(data)
    if frames > 1:
        raise ActionError("a moving picture cannot be cropped")
    with Image.open(io.BytesIO(data)) as image:
        upright = ImageOps.exif_transpose(image)
        inside = 0 <= box.x <= upright.width - box.width and 0 <= box.y <= upright.height - box.height
        if not inside or min(box.width, box.height) < _SMALLEST:
            raise ActionError(
                f"the crop lies beyond the photo or is too small: the photo is {upright.width} × {upright.height} pixels, "
                f"and at least {_SMALLEST} each way are kept"
            )
        cut = upright.crop((box.x, box.y, box.x + box.width, box.y + box.height))
        cut.info = {key: value for key, value in image.info.items() if key in ("icc_profile", "transparency")}
        made = _encoded(cut, form)
    stem = f"{Path(name).stem}-{box.width}x{box.height}-{box.x}-{box.y}"
    media = MediaFile(name=f"{stem}.{_FORMATS[form]}", content_type=Image.MIME[form], data=made)
    return Photo(file=media, width=box.width, height=box.height)

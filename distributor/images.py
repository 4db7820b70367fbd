"""Photos for the web: smaller renditions, the picture for link previews, and no camera, place or owner inside the file."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from PIL import Image, ImageOps, UnidentifiedImageError

from distributor.message import MediaFile

WIDTHS = (480, 960, 1600)  #: pixels; a narrower original is never enlarged
_OG = 1.91  #: width by height that link previews show (ogp.me leaves it open; Facebook, LinkedIn and X crop to it)
_FAILS = (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendition:
    """One size of one photo."""

    file: MediaFile
    width: int
    height: int


@lru_cache(maxsize=16)
def clean(file: MediaFile) -> MediaFile:
    """The photo without EXIF, GPS, XMP and comments, turned upright; the same file when there is nothing to take out.

    What is no image that Pillow reads comes back as it is.
    """
    try:
        with Image.open(io.BytesIO(file.data)) as image:
            private = {"exif", "xmp", "comment", "photoshop", "XML:com.adobe.xmp", "Raw profile type exif"}
            found = private & set(image.info) or dict(image.getexif()) or getattr(image, "text", None)
            if image.format not in ("JPEG", "PNG", "WEBP") or not found or getattr(image, "n_frames", 1) > 1:
                return file
            upright = ImageOps.exif_transpose(image)
            data = _bytes(upright, image.format, quality=92)
    except _FAILS:
        return file
    return MediaFile(name=file.name, content_type=file.content_type, data=data)


@lru_cache(maxsize=16)
def renditions(file: MediaFile, kinds: tuple[str, ...] = ("webp",)) -> Sequence[tuple[str, Sequence[Rendition]]]:
    """`(media type, sizes ascending)` for each of `kinds` and then for the fallback (JPEG; PNG where it is see-through).

    Empty for what Pillow cannot read and for moving pictures. Nothing is enlarged.
    """
    try:
        with Image.open(io.BytesIO(file.data)) as image:
            if getattr(image, "n_frames", 1) > 1:
                return ()
            upright = ImageOps.exif_transpose(image)
            fallback = "png" if upright.has_transparency_data else "jpeg"
            upright = upright.convert("RGBA" if fallback == "png" else "RGB")
    except _FAILS:
        return ()
    sizes = [
        (width, max(1, round(upright.height * width / upright.width))) for width in WIDTHS if width < upright.width
    ]
    sizes.append((min(upright.width, WIDTHS[-1]), round(upright.height * min(1, WIDTHS[-1] / upright.width))))
    scaled = [upright.resize(size, Image.Resampling.LANCZOS) for size in sorted(set(sizes))]
    stem = file.name.rpartition(".")[0] or file.name
    made = []
    for kind in (*kinds, fallback):
        suffix = "jpg" if kind == "jpeg" else kind
        files = [
            MediaFile(
                name=f"{stem}-{one.width}.{suffix}", content_type=f"image/{kind}", data=_bytes(one, kind.upper(), 80)
            )
            for one in scaled
        ]
        pairs = zip(files, scaled, strict=True)
        made.append((f"image/{kind}", [Rendition(file=f, width=s.width, height=s.height) for f, s in pairs]))
    return made


@lru_cache(maxsize=16)
def preview(file: MediaFile) -> Rendition | None:
    """The photo as link previews show it: 1.91:1, cut around the middle, at most 1200 wide, JPEG. None if unreadable."""
    try:
        with Image.open(io.BytesIO(file.data)) as image:
            whole = ImageOps.exif_transpose(image).convert("RGB")
    except _FAILS:
        return None
    width = min(1200, whole.width, int(whole.height * _OG))
    size = (width, max(1, round(width / _OG)))
    cut = ImageOps.fit(whole, size, Image.Resampling.LANCZOS)
    stem = file.name.rpartition(".")[0] or file.name
    made = MediaFile(name=f"{stem}-preview.jpg", content_type="image/jpeg", data=_bytes(cut, "JPEG", 82))
    return Rendition(file=made, width=cut.width, height=cut.height)


@dataclass(frozen=True, slots=True)
class Recipe:
    """What another service takes as a photo."""

    kinds: tuple[str, ...]
    max_bytes: int
    max_side: int  #: pixels
    max_pixels: int


@lru_cache(maxsize=64)
def within(file: MediaFile, recipe: Recipe) -> MediaFile | None:
    """The photo as the recipe asks: the same file where it fits, else a smaller JPEG. None for what Pillow cannot read."""
    try:
        with Image.open(io.BytesIO(file.data)) as image:
            fits = max(image.size) <= recipe.max_side and image.width * image.height <= recipe.max_pixels
            if fits and len(file.data) <= recipe.max_bytes and Image.MIME.get(image.format or "") in recipe.kinds:
                return file
            whole = ImageOps.exif_transpose(image).convert("RGB")
    except _FAILS:
        return None
    scale = min(1, recipe.max_side / max(whole.size), (recipe.max_pixels / (whole.width * whole.height)) ** 0.5)
    while True:
        size = (max(1, int(whole.width * scale)), max(1, int(whole.height * scale)))
        smaller = whole if size == whole.size else whole.resize(size, Image.Resampling.LANCZOS)
        for quality in (90, 80, 70):
            data = _bytes(smaller, "JPEG", quality)
            if len(data) <= recipe.max_bytes:
                stem = file.name.rpartition(".")[0] or file.name
                return MediaFile(name=f"{stem}.jpg", content_type="image/jpeg", data=data)
        if max(size) < 64:
            return None
        scale *= 0.75


def size(file: MediaFile) -> tuple[int, int] | None:
    """Width and height in pixels; None for what Pillow cannot read."""
    try:
        with Image.open(io.BytesIO(file.data)) as image:
            return image.size
    except _FAILS:
        return None


def _bytes(image: Image.Image, form: str, quality: int) -> bytes:
    """Encoded without metadata; the colour profile stays, or colours would change."""
    target = io.BytesIO()
    options = {"optimize": True} if form == "PNG" else {"quality": quality}
    if form == "AVIF":
        options |= {"speed": 8}  # 6 takes four times as long for a tenth of the size
    if form == "JPEG":
        options |= {"progressive": True, "optimize": True}
        image = image.convert("RGB") if image.mode not in ("RGB", "L", "CMYK") else image
    bare = image.copy()
    profile = image.info.get("icc_profile")
    bare.info.clear()
    bare.save(target, form, **options, **({"icc_profile": profile} if profile else {}))
    return target.getvalue()

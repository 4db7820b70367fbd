"""Photos for the web: smaller renditions, the picture for link previews, and no camera, place or owner inside the file."""

import io
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from distributor.message import MediaFile

WIDTHS = (480, 960, 1600)  #: pixels; a narrower original is never enlarged
MOST_PIXELS = 2 * (Image.MAX_IMAGE_PIXELS or 89_478_485)  #: above, Pillow refuses a picture as a bomb
_OG = 1.91  #: width by height that link previews show (ogp.me leaves it open; Facebook, LinkedIn and X crop to it)
_FAILS = (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError, ImageCms.PyCMSError)
_LARGE = 40_000_000  #: pixels
_WEB = ("RGB", "RGBA", "L", "LA", "P", "1")  #: modes of eight bits that every network shows alike

# A photo between one and two times Pillow's figure is read; its warning would name our files in a person's terminal.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)


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
            _lighten(image, WIDTHS[-1])
            upright = ImageOps.exif_transpose(image)
            fallback = "png" if upright.has_transparency_data else "jpeg"
            upright = upright.convert("RGBA") if fallback == "png" else _plain(upright)
    except _FAILS:
        return ()
    widths = [width for width in WIDTHS if width < upright.width] + [min(upright.width, WIDTHS[-1])]
    sizes = {(width, max(1, round(upright.height * width / upright.width))) for width in widths}
    scaled = [upright.resize(size, Image.Resampling.LANCZOS) for size in sorted(sizes)]
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
            _lighten(image, 1200)
            whole = _plain(ImageOps.exif_transpose(image))
    except _FAILS:
        return None
    width = max(1, min(1200, whole.width, int(whole.height * _OG)))
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
    max_ratio: float = 0  #: the longer side by the shorter one; 0: any


@lru_cache(maxsize=64)
def within(file: MediaFile, recipe: Recipe) -> MediaFile | None:
    """The photo as the recipe asks: the same file where it fits, else a smaller JPEG on white. None for what Pillow cannot
    read, or what is too long and narrow for the other side.
    """
    try:
        with Image.open(io.BytesIO(file.data)) as image:
            if recipe.max_ratio and max(image.size) > recipe.max_ratio * min(image.size):
                return None
            fits = max(image.size) <= recipe.max_side and image.width * image.height <= recipe.max_pixels
            kind = Image.MIME.get(image.format or "")
            if fits and len(file.data) <= recipe.max_bytes and kind in recipe.kinds and image.mode in _WEB:
                image.load()  # a photo that is cut off is none, whatever its head says
                return file if file.content_type == kind else _typed(file, str(kind))
            _lighten(image, recipe.max_side)
            whole = _plain(ImageOps.exif_transpose(image))
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


def fault(file: MediaFile) -> str:
    """Return why the file cannot be shown as a photo, as the end of a sentence about it; empty where it can.

    The whole picture is decoded, since a file that is cut off has a sound head.
    """
    if file.sha256 not in _FAULTS:
        while len(_FAULTS) >= _REMEMBERED:
            _FAULTS.pop(next(iter(_FAULTS)), None)
        _FAULTS[file.sha256] = _fault(file)
    return _FAULTS[file.sha256]


_FAULTS: dict[str, str] = {}  # by SHA-256: a cache of the files themselves would keep every photo in memory
_REMEMBERED = 1_000


def _fault(file: MediaFile) -> str:
    if not file.data:
        return "is empty"
    if b"<svg" in file.data[:2000]:
        return ""  # a drawing: browsers show it, networks say themselves what they take
    try:
        with Image.open(io.BytesIO(file.data)) as image:
            image.draft("RGB", (64, 64))  # a JPEG is read whole all the same, at an eighth of its size
            image.load()
    except Image.DecompressionBombError:
        return f"has more than {MOST_PIXELS // 1_000_000} megapixels: save it smaller"
    except UnidentifiedImageError:
        return "is no picture that can be read, whatever its name says: save it as JPEG or PNG"
    except _FAILS:
        return "is damaged or cut off: it cannot be read to its end"
    return ""


def _lighten(image: Image.Image, side: int) -> None:
    """Have a very large JPEG decoded at a part of its size, at least twice `side` in pixels: a phone's 108 megapixels would
    take a gigabyte.
    """
    if image.width * image.height > _LARGE:
        image.draft(None, (2 * side, 2 * side))


def _typed(file: MediaFile, kind: str) -> MediaFile:
    """The file under its true type, and a name that agrees: web servers go by it."""
    ending = {"image/jpeg": "jpg"}.get(kind, kind.rpartition("/")[2])
    stem = file.name.rpartition(".")[0] or file.name
    return MediaFile(name=f"{stem}.{ending}", content_type=kind, data=file.data)


def _plain(image: Image.Image) -> Image.Image:
    """The picture in RGB, eight bits a channel, as it looks: on white where it is see-through, by its own profile where it
    is CMYK or Lab.
    """
    if image.mode.startswith("I"):  # sixteen bits of grey, which a plain conversion clips to white
        grey = image.convert("I").point(lambda value: value * (1 / 256))
        return grey.convert("L").convert("RGB")
    profile = image.info.get("icc_profile")
    if image.mode in ("CMYK", "LAB"):
        made = _by_profile(image, profile) if profile else image.convert("RGB")
        made.info.pop("icc_profile", None)  # it describes inks, not what stands there now
        return made
    if image.has_transparency_data:
        above = image.convert("RGBA")
        made = Image.new("RGB", image.size, "white")
        made.paste(above, mask=above.getchannel("A"))
        made.info.update({"icc_profile": profile} if profile else {})
        return made
    made = image if image.mode == "RGB" else image.convert("RGB")
    if image.mode in ("L", "LA", "1"):
        made.info.pop("icc_profile", None)  # of one channel
    return made


def _by_profile(image: Image.Image, profile: bytes) -> Image.Image:
    """Convert to sRGB; plainly, where the profile is of no use."""
    try:
        source, target = ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB")
        made = ImageCms.profileToProfile(image, source, target, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):
        made = None
    return made if made is not None else image.convert("RGB")


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

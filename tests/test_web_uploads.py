"""Uploads: what is in a file counts, not what it is called; nothing private stays in a photo; no bomb goes off."""

import contextlib
import io
import re
import struct
import zipfile
import zlib
from pathlib import Path

import pytest
from PIL import Image

from distributor.errors import ActionError
from distributor.web import documents, fronts, photos, uploads
from distributor.web.drafts import MAIN
from distributor.web.photos import Box
from tests.desks import NAME, WebDesk

URL = f"/r/{NAME}"
FERRY = "harbour-line-ferry.jpg"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


@pytest.fixture
def desk(tmp_path: Path) -> WebDesk:
    return WebDesk(tmp_path / "site")


def picture(form: str = "JPEG", size: tuple[int, int] = (64, 48), **options: object) -> bytes:
    target = io.BytesIO()
    mode = "P" if form == "GIF" else "RGB"
    Image.effect_noise(size, 40).convert(mode).save(target, form, **options)
    return target.getvalue()


def private() -> Image.Exif:
    exif = Image.Exif()
    exif[0x010F] = "Secret Camera"
    exif[0x0112] = 6  # it lies on its side
    exif.get_ifd(0x8825)[2] = (22.0, 17.0, 5.0)
    return exif


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int) -> bytes:
    """A PNG that promises so many pixels and is a few bytes long."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    )


# ── photos ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("form", "suffix"), [("JPEG", "jpg"), ("PNG", "png"), ("WEBP", "webp"), ("GIF", "gif")])
def test_a_photo_is_known_by_its_content(form: str, suffix: str) -> None:
    made = photos.read(picture(form), "../../Ünsere Fähre!.php.exe")
    assert made.file.name == f"unsere-fahre-php.{suffix}"
    assert (made.width, made.height) == (64, 48)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_camera_place_and_owner_are_taken_out_and_the_photo_stands_upright(form: str) -> None:
    data = picture(form, exif=private())
    assert b"Secret Camera" in data
    made = photos.read(data, "x.jpg")
    assert (made.width, made.height) == (48, 64)
    assert b"Secret" not in made.file.data
    with Image.open(io.BytesIO(made.file.data)) as image:
        assert not dict(image.getexif())


def test_the_second_picture_that_phones_hide_is_taken_out() -> None:
    target = io.BytesIO()
    first, second = (Image.effect_noise((64, 48), 40).convert("RGB") for _ in range(2))
    first.save(target, "MPO", save_all=True, append_images=[second], exif=private())
    made = photos.read(target.getvalue(), "phone.jpg")
    with Image.open(io.BytesIO(made.file.data)) as image:
        assert image.format == "JPEG"
    assert b"Secret" not in made.file.data


def test_a_moving_picture_goes_on_moving_without_its_comment() -> None:
    target = io.BytesIO()
    frames = [Image.new("RGB", (32, 32), colour) for colour in ("red", "green", "blue")]
    frames[0].save(target, "GIF", save_all=True, append_images=frames[1:], comment=b"Secret", duration=70, loop=0)
    made = photos.read(target.getvalue(), "x.gif")
    assert b"Secret" not in made.file.data
    with Image.open(io.BytesIO(made.file.data)) as image:
        assert image.n_frames == 3  # type: ignore[attr-defined]  # a GIF has it
        assert image.info["duration"] == 70


LIES = {
    "svg": SVG,
    "svg-bom": b"\xef\xbb\xbf <?xml version='1.0'?>" + SVG,
    "html": b"<!doctype html><script>alert(1)</script>",
    "empty": b"",
    "text": b"just words",
    "pdf": b"%PDF-1.7\n" + b"x" * 100,
    "gif-head": b"GIF89a<script>alert(1)</script>",
    "jpeg-head": b"\xff\xd8\xff\xe0<script>",
    "half": picture("JPEG", (640, 480))[:5000],
    "half-png": picture("PNG", (640, 480))[:5000],
    "eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n",
    "bmp": picture("BMP"),
    "tiff": picture("TIFF"),
    "bomb": png(60_000, 60_000),
    "61-megapixels": png(61_000, 1_000),
    "100-megapixels": png(10_000, 10_000),
    "too-large": picture("PNG") + b"\0" * photos.MAX_PHOTO,
}


@pytest.mark.parametrize("lie", LIES)
def test_what_is_no_photo_or_too_much_is_refused_whatever_it_is_called(desk: WebDesk, lie: str) -> None:
    with pytest.raises(ActionError, match="megapixels" if lie == "bomb" or "megapixels" in lie else r"[a-z]{3}"):
        photos.read(LIES[lie], "photo.jpg")
    before = sorted(path.name for path in (desk.root / "releases").iterdir()), desk.text()
    upload = {"photo": ("photo.jpg", LIES[lie], "image/jpeg")}
    answer = desk.client().post(f"{URL}/photos/add", files=upload)
    assert answer.status_code == 422
    assert (sorted(path.name for path in (desk.root / "releases").iterdir()), desk.text()) == before


def test_a_form_larger_than_any_photo_is_cut_off(desk: WebDesk) -> None:
    upload = {"photo": ("photo.jpg", b"\0" * (2 * photos.MAX_PHOTO + 200_000), "image/jpeg")}
    assert desk.client().post(f"{URL}/photos/add", files=upload).status_code == 413


@pytest.mark.parametrize("data", [b"%PDF-1.7", b"\0" * (photos.MAX_PHOTO + 200_000)])
def test_a_wrong_file_leaves_the_words_in_the_form(desk: WebDesk, data: bytes) -> None:
    words = {"alt": "A pier at dawn", "caption": "The pier", "credit": "Lo"}
    upload = {"photo": ("photo.jpg", data, "image/jpeg")}
    answer = desk.client().post(f"{URL}/photos/add", data=words, files=upload)
    assert answer.status_code == 422
    form = words_of(answer.text)
    assert {word: form[word] for word in words} == words


def test_an_upload_stands_in_the_release_and_the_rest_stays_as_it_was(desk: WebDesk) -> None:
    client, before = desk.client(), desk.text()
    words = {"alt": "A pier: at 'dawn' #1", "caption": "<b>Pier</b>", "credit": "Lo"}
    for _ in range(2):  # the same again is the same file
        upload = {"photo": ("Pier.png", picture("PNG"), "image/png")}
        assert client.post(f"{URL}/photos/add", data=words, files=upload).status_code == 303
    entry = {"file": "pier.png", "kind": "photo", "caption": "<b>Pier</b>", "alt": "A pier: at 'dawn' #1", "credit": "Lo",
             "width": "64", "height": "48"}  # fmt: skip
    listed = fronts.values(desk.text())["media"]
    assert listed[1] == entry
    first = desk.text().index("  - file: pier")
    assert before.startswith(desk.text()[:first])
    assert desk.text()[first:].split("hashtags:")[1] == before.split("hashtags:")[1]
    assert fronts.values(desk.text("zh-Hant"))["media"][1]["file"] == "pier.png"
    other = {"photo": ("pier.png", picture("PNG", (32, 32)), "image/png")}
    client.post(f"{URL}/photos/add", data=words, files=other)
    assert (desk.root / "releases" / "pier-2.png").exists()
    page = client.get(f"{URL}/photos").text
    assert "&lt;b&gt;Pier" in page
    assert "<b>Pier" not in page


def words_of(html: str, file: str = "", key: str = "") -> dict[str, str]:
    """The form for the words of a photo in one language, or for a new photo, as a browser would send it back."""
    from lxml import html as parser

    made = [dict(form.form_values()) for form in parser.fromstring(html).forms]
    [form] = [form for form in made if "alt" in form and (form.get("file", ""), form.get("key", "")) == (file, key)]
    return {str(name): str(value).removeprefix("\n") for name, value in form.items()}


def test_words_are_changed_in_one_language_alone(desk: WebDesk) -> None:
    client, main = desk.client(), desk.text()
    form = words_of(client.get(f"{URL}/photos").text, FERRY, "zh-Hant") | {"alt": "新的\n說明", "caption": ""}
    assert client.post(f"{URL}/photos/words", data=form).status_code == 303
    assert desk.text() == main
    [entry] = fronts.values(desk.text("zh-Hant"))["media"]
    assert entry["alt"] == "新的 說明"
    assert "caption" not in entry
    assert client.post(f"{URL}/photos/words", data={**form, "file": "other.jpg"}).status_code == 422


def test_two_who_describe_a_photo_lose_nothing(desk: WebDesk) -> None:
    mira, tom = desk.client("mira"), desk.client("tom")
    first, second, third = (words_of(one.get(f"{URL}/photos").text, FERRY, MAIN) for one in (mira, tom, tom))
    assert mira.post(f"{URL}/photos/words", data={**first, "alt": "A ferry"}).status_code == 303
    assert tom.post(f"{URL}/photos/words", data={**second, "caption": "The new ferry"}).status_code == 303
    [entry] = fronts.values(desk.text())["media"]
    assert (entry["alt"], entry["caption"]) == ("A ferry", "The new ferry")
    before = desk.text()
    refused = tom.post(f"{URL}/photos/words", data={**third, "alt": "A boat", "credit": "Wan"})
    assert refused.status_code == 409
    assert desk.text() == before
    assert "&#39;A ferry&#39; is there now, you wrote &#39;A boat&#39;" in refused.text
    again = words_of(refused.text, FERRY, MAIN)
    assert (again["alt"], again["was.alt"], again["credit"]) == ("A boat", "A ferry", "Wan")
    assert tom.post(f"{URL}/photos/words", data=again).status_code == 303
    assert fronts.values(desk.text())["media"][0]["alt"] == "A boat"


def test_the_lines_of_a_caption_stay_when_another_word_is_saved(desk: WebDesk) -> None:
    client, path = desk.client(), desk.root / "releases" / f"{NAME}.md"
    path.write_text(re.sub(r"caption: .*", "caption: |\n      One.\n      Two.", path.read_text(), count=1))
    form = words_of(client.get(f"{URL}/photos").text, FERRY, MAIN)
    crlf = {name: value.replace("\n", "\r\n") for name, value in form.items()}
    assert client.post(f"{URL}/photos/words", data={**crlf, "alt": "Another"}).status_code == 303
    assert "caption: |\n      One.\n      Two.\n" in desk.text()
    assert fronts.values(desk.text())["media"][0]["alt"] == "Another"


def test_every_language_can_have_words_of_its_own(desk: WebDesk) -> None:
    client, path = desk.client(), desk.root / "releases" / f"{NAME}.zh-Hant.md"
    path.write_text(re.sub(r"media:\n(?: .*\n)+", "", path.read_text()))
    upload = {"photo": ("pier.png", picture("PNG"), "image/png")}
    client.post(f"{URL}/photos/add", data={"alt": "A pier", "caption": "Pier"}, files=upload)
    assert "media" not in fronts.values(desk.text("zh-Hant"))
    page = client.get(f"{URL}/photos").text
    assert "Shown with the words of the main text" in page
    form = words_of(page, "pier.png", "zh-Hant")
    assert (form["alt"], form["caption"]) == ("A pier", "Pier")
    assert client.post(f"{URL}/photos/words", data=form).status_code == 303
    assert "media" not in fronts.values(desk.text("zh-Hant"))  # nothing was written
    main = fronts.values(desk.text())["media"]
    assert client.post(f"{URL}/photos/words", data={**form, "alt": "碼頭"}).status_code == 303
    assert fronts.values(desk.text("zh-Hant"))["media"] == [main[0], {**main[1], "alt": "碼頭"}]
    assert fronts.values(desk.text())["media"] == main
    path.write_text(fronts.set_field(path.read_text(), "media", main[:1]))
    page = client.get(f"{URL}/photos").text
    assert "Not in this language version; words put it there." in page
    form = words_of(page, "pier.png", "zh-Hant")
    assert (form["alt"], form["was.alt"]) == ("", "")
    assert client.post(f"{URL}/photos/words", data={**form, "alt": "碼頭"}).status_code == 303
    added = {name: value for name, value in main[1].items() if name != "caption"} | {"alt": "碼頭"}
    assert fronts.values(desk.text("zh-Hant"))["media"] == [main[0], added]


def test_photos_are_moved_and_taken_out_and_their_files_stay(desk: WebDesk) -> None:
    client = desk.client()
    upload = {"photo": ("pier.png", picture("PNG"), "image/png")}
    client.post(f"{URL}/photos/add", data={"alt": "A pier"}, files=upload)

    def order() -> list[list[str]]:
        return [[one["file"] for one in fronts.values(desk.text(key)).get("media", [])] for key in ("", "zh-Hant")]

    def arrange(file: str, what: str) -> int:
        return int(client.post(f"{URL}/photos/arrange", data={"file": file, "do": what}).status_code)

    assert order() == [[FERRY, "pier.png"]] * 2
    for file, what, there in (("pier.png", "up", ["pier.png", FERRY]), ("pier.png", "up", ["pier.png", FERRY]),
                              ("pier.png", "down", [FERRY, "pier.png"]), (FERRY, "remove", ["pier.png"]),
                              ("pier.png", "remove", [])):  # fmt: skip
        assert arrange(file, what) == 303
        assert order() == [there] * 2
    assert "media" not in fronts.values(desk.text())
    assert fronts.values(desk.text("zh-Hant"))["media"] == []
    assert (desk.root / "releases" / "pier.png").exists()
    assert arrange(FERRY, "up") == 422


def test_a_photo_in_a_folder_beside_the_release_is_shown(desk: WebDesk) -> None:
    client, folder = desk.client(), desk.root / "releases"
    (folder / "img").mkdir()
    (folder / FERRY).rename(folder / "img" / "p 1.jpg")
    (folder / f"{NAME}.md").write_text(desk.text().replace(f"file: {FERRY}", "file: img/p 1.jpg"))
    assert f'src="{URL}/photos/file/img/p%201.jpg"' in client.get(f"{URL}/photos").text
    assert client.get(f"{URL}/photos/file/img/p%201.jpg").headers["content-type"] == "image/jpeg"
    for file in ("img/other.jpg", "img/../../config/distributor.toml", "img%2f..%2f..%2fconfig%2fdistributor.toml"):
        assert client.get(f"{URL}/photos/file/{file}").status_code == 404, file


def test_a_crop_is_a_new_file_and_the_whole_photo_stays(desk: WebDesk) -> None:
    client = desk.client()
    whole = (desk.root / "releases" / "harbour-line-ferry.jpg").read_bytes()
    form = {"file": "harbour-line-ferry.jpg", "x": "100", "y": "50", "width": "600", "height": "400"}
    assert client.post(f"{URL}/photos/crop", data=form).status_code == 303
    assert (desk.root / "releases" / "harbour-line-ferry.jpg").read_bytes() == whole
    for key in ("", "zh-Hant"):
        [entry] = fronts.values(desk.text(key))["media"]
        assert (entry["width"], entry["height"]) == ("600", "400")
        assert entry["alt"]
        with Image.open(desk.root / "releases" / entry["file"]) as image:
            assert image.size == (600, 400)
    page = client.get(f"{URL}/photos").text
    assert 'max="584"' in page
    assert client.get(f"{URL}/preview").status_code == 200


@pytest.mark.parametrize(
    "box",
    [
        ("-1", "0", "20", "20"),
        ("0", "0", "5000", "20"),
        ("1190", "0", "20", "20"),
        ("0", "0", "2", "2"),
        ("a", "", "1e9", "0"),
    ],
)
def test_a_crop_beyond_the_photo_is_refused(desk: WebDesk, box: tuple[str, ...]) -> None:
    before = desk.text()
    form = {"file": "harbour-line-ferry.jpg", **dict(zip(("x", "y", "width", "height"), box, strict=True))}
    assert desk.client().post(f"{URL}/photos/crop", data=form).status_code == 422
    assert desk.text() == before
    with pytest.raises(ActionError):
        photos.crop(picture(), "x.jpg", Box(x=60, y=0, width=32, height=32))


def test_only_the_release_s_own_photos_are_served_and_only_as_what_they_are(desk: WebDesk) -> None:
    client, folder = desk.client(), desk.root / "releases"
    answer = client.get(f"{URL}/photos/file/harbour-line-ferry.jpg")
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["x-content-type-options"] == "nosniff"
    (folder / "other.jpg").write_bytes(picture())
    for file in ("other.jpg", f"{NAME}.md", "..%2fconfig%2fdistributor.toml", "%2fetc%2fpasswd"):
        assert client.get(f"{URL}/photos/file/{file}").status_code == 404, file
    (folder / "harbour-line-ferry.jpg").write_bytes(SVG)
    assert client.get(f"{URL}/photos/file/harbour-line-ferry.jpg").status_code == 404
    source = desk.text().replace("file: harbour-line-ferry.jpg", "file: ../config/distributor.toml")
    (folder / f"{NAME}.md").write_text(source)
    with pytest.raises(ActionError):
        uploads.data(desk.drafts, NAME, "../config/distributor.toml")


# ── texts ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

PAGE = """<html><head><title>no</title><script>alert(1)</script><style>p{}</style></head><body>
<h1>Harbour Line opens on 18 March</h1>
<p>Tidewater Ferries today named <strong>18 March</strong> as the day. See <a href="https://tidewater.example/map">the map</a>.</p>
<h2>How it charges</h2><ul><li>hull of <em>aluminium</em></li><li>two motors</li></ul>
<p>Click <a href="javascript:alert(1)">there</a> for 2 * 3 * 4 and [brackets].</p></body></html>"""


def docx(body: str, **parts: bytes) -> bytes:
    target = io.BytesIO()
    space = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            "word/document.xml", f"<?xml version='1.0'?><w:document {space}><w:body>{body}</w:body></w:document>"
        )
        archive.writestr(
            "_rels/.rels",
            '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r" Type='
            '"http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/>'
            "</Relationships>",
        )
        archive.writestr(
            "[Content_Types].xml", '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>'
        )
        for name, data in parts.items():
            archive.writestr(name, data)
    return target.getvalue()


def paragraph(text: str, *, bold: bool = False) -> str:
    return f"<w:p><w:r>{'<w:rPr><w:b/></w:rPr>' if bold else ''}<w:t>{text}</w:t></w:r></w:p>"


def test_a_web_page_keeps_links_emphasis_headings_and_lists() -> None:
    made, _ = documents.draft(documents.read(PAGE.encode()))
    body = made.markdown.partition("\n---\n")[2]
    assert "named **18 March** as the day. See [the map](https://tidewater.example/map)." in body
    assert "## How it charges" in body
    assert "- hull of *aluminium*\n- two motors" in body
    assert "Click there for 2 * 3 * 4 and [brackets]" in body
    assert "alert" not in made.markdown


def test_a_word_document_is_read_by_its_content(desk: WebDesk) -> None:
    body = paragraph("Harbour Line opens on 18 March") + paragraph("Tidewater Ferries today named the day.", bold=True)
    client = desk.client()
    answer = client.post("/releases/import", files={"file": ("x.txt", docx(body), "text/plain")})
    assert answer.status_code == 200
    assert "Because" in answer.text
    assert "the text names no issuer" in answer.text  # a guess, as on the command line
    source = (desk.root / "releases" / "harbour-line-opens-on-18-march.md").read_text()
    assert "**Tidewater Ferries today named the day.**" in source


BOMBS = {
    "ratio": docx(paragraph("x"), **{"word/media/a.xml": b"\0" * 40_000_000}),
    "sum": docx(paragraph("x"), **{f"word/media/{n}.bin": bytes(range(256)) * 60_000 + b"\0" for n in range(4)}),
    "parts": docx(paragraph("x"), **{f"word/{n}": b"" for n in range(2100)}),
    "entities": docx("").replace(b"PK", b"PK"),
    "no-document": b"PK\x03\x04" + b"\0" * 100,
    "not-xml": docx("<broken"),
    "pdf": b"%PDF-1.4",
    "doc": b"\xd0\xcf\x11\xe0" + b"\0" * 100,
    "rtf": b"{\\rtf1 x}",
    "bytes": bytes(range(256)),
    "empty": b" \n",
    "blank-page": b"<html><body> <script>x</script></body></html>",
    "long": b"words " * 200_000,
    "large": b"x" * (documents.MAX_DOCUMENT + 1),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_what_is_no_text_or_too_much_is_refused_in_a_sentence(desk: WebDesk, bomb: str) -> None:
    with pytest.raises(ActionError, match=r"[a-z]{3}"):
        documents.read(BOMBS[bomb])
    before = sorted((desk.root / "releases").iterdir())
    upload = {"file": ("release.docx", BOMBS[bomb], "application/octet-stream")}
    assert desk.client().post("/releases/import", files=upload).status_code == 422
    assert sorted((desk.root / "releases").iterdir()) == before


def test_an_xml_bomb_inside_a_document_does_not_go_off() -> None:
    lol = '<!DOCTYPE l [<!ENTITY a "' + "x" * 1000 + '">' + "".join(
        f'<!ENTITY a{n} "{f"&a{n - 1 or str()};" * 50}">' for n in range(1, 8)) + "]>"  # fmt: skip
    data = docx(paragraph("&a7;"))
    source = io.BytesIO(data)
    target = io.BytesIO()
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for part in old.infolist():
            new.writestr(part, old.read(part).replace(b"<w:document", lol.encode() + b"<w:document"))
    with pytest.raises(ActionError, match="damaged"):
        documents.read(target.getvalue())


def test_a_page_nested_ever_deeper_is_read_or_refused() -> None:
    deep = b"<html><body>" + b"<div><b>" * 50_000 + b"words"
    with contextlib.suppress(ActionError):
        assert "words" in documents.read(deep).text


def test_a_release_file_stays_as_it_is(desk: WebDesk) -> None:
    source = "---\nid: brought-along\nheadline: x\n# why\nissuer: {name: A}\n---\nBody *as* it is.\n"
    answer = desk.client().post("/releases/import", data={"text": source})
    assert answer.status_code == 200
    assert (desk.root / "releases" / "brought-along.md").read_text() == source


def test_a_pasted_text_becomes_a_release_with_every_guess_named(desk: WebDesk) -> None:
    client = desk.client()
    for name in ("harbour-line-opens", "harbour-line-opens-2"):
        answer = client.post(
            "/releases/import", data={"text": "Harbour Line opens\n\nHONG KONG, 5 March 2030 - It opens today."}
        )
        assert f"{name}.md" in answer.text
        assert "dateline" in answer.text
        assert fronts.values(desk.drafts.texts(name)[MAIN].source)["id"] == name
    assert client.post("/releases/import", data={"text": "x", "lang": "no such"}).status_code == 422
    assert client.post("/releases/import", data={}).status_code == 422


def test_many_uploads_at_once_leave_the_process_as_it_was() -> None:
    import warnings
    from concurrent.futures import ThreadPoolExecutor

    data, before = io.BytesIO(), list(warnings.filters)
    Image.new("RGB", (400, 400)).save(data, "PNG")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: photos.read(data.getvalue(), "a.png"), range(200)))
    assert list(warnings.filters) == before

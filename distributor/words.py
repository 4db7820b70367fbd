"""The fixed words of a release in its language, and how it writes a date."""

from collections.abc import Mapping
from datetime import date

_RIGHT_TO_LEFT = frozenset({"ar", "fa", "he", "ur"})
_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip

_ENGLISH = {
    "immediate": "FOR IMMEDIATE RELEASE",
    "correction": "CORRECTION",
    "photo": "Photo",
    "video": "Video",
    "audio": "Audio",
    "document": "Document",
    "about": "About {issuer}",
    "contact": "Media contact",
    "ends": "-ENDS-",
    "notes": "Notes to editors",
    "browser": "View in browser",
    "unsubscribe": "Unsubscribe",
    "why": "You receive this as a press contact of {issuer}.",
    "leave_ask": "Shall {address} get no more releases from us?",
    "leave_button": "Unsubscribe",
    "leave_done": "{address} gets no more releases from us.",
    "leave_unknown": "This link is not one of ours, or it is not whole. Copy all of it, or answer the mail.",
    "leave_failed": "This could not be written down. Please try again in a minute.",
}
_BY_LANGUAGE = {
    "zh-Hant": {
        "immediate": "即時發布",
        "correction": "更正",
        "photo": "圖片",
        "video": "影片",
        "audio": "音訊",
        "document": "文件",
        "about": "關於 {issuer}",
        "contact": "傳媒查詢",
        "ends": "- 完 -",
        "notes": "編輯備註",
        "browser": "在瀏覽器中檢視",
        "unsubscribe": "取消訂閱",
        "why": "此電郵乃發送予 {issuer} 的傳媒聯絡人。",
        "leave_ask": "{address} 不再接收我們的新聞稿？",
        "leave_button": "取消訂閱",
        "leave_done": "{address} 不會再收到我們的新聞稿。",
        "leave_unknown": "此連結無效或不完整。請複製整個連結，或直接回覆電郵。",
        "leave_failed": "未能記錄，請稍後再試。",
    },
    "zh-Hans": {
        "immediate": "即时发布",
        "correction": "更正",
        "photo": "图片",
        "video": "视频",
        "audio": "音频",
        "document": "文件",
        "about": "关于 {issuer}",
        "contact": "媒体联系人",
        "ends": "- 完 -",
        "notes": "编者注",
        "browser": "在浏览器中查看",
        "unsubscribe": "退订",
        "why": "此邮件发送给 {issuer} 的媒体联系人。",
        "leave_ask": "{address} 不再接收我们的新闻稿？",
        "leave_button": "退订",
        "leave_done": "{address} 不会再收到我们的新闻稿。",
        "leave_unknown": "此链接无效或不完整。请复制整个链接，或直接回复邮件。",
        "leave_failed": "未能记录，请稍后再试。",
    },
}


_REGIONS = {"zh-HK": "zh-Hant", "zh-TW": "zh-Hant", "zh-MO": "zh-Hant", "zh-CN": "zh-Hans", "zh-SG": "zh-Hans"}


def of(lang: str, issuer: str) -> Mapping[str, str]:
    """The words for a language tag (BCP 47), English where there are none of its own."""
    script = "-".join(lang.split("-")[:2])
    own = _BY_LANGUAGE.get(_REGIONS.get(script, script), _ENGLISH)
    return {name: text.replace("{issuer}", issuer) for name, text in own.items()}


def day(when: date, lang: str) -> str:
    """`5 March 2030`, `2030年3月5日`, or ISO 8601 where we do not know the language's way."""
    base = lang.partition("-")[0]
    if base in ("zh", "ja"):
        return f"{when.year}年{when.month}月{when.day}日"
    return f"{when.day} {_MONTHS[when.month - 1]} {when.year}" if base == "en" else when.isoformat()


def direction(lang: str) -> str:
    """`rtl` or `ltr`, for the HTML `dir` attribute."""
    return "rtl" if lang.partition("-")[0] in _RIGHT_TO_LEFT else "ltr"

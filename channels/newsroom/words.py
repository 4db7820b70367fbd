"""The newsroom's own words in the languages it speaks; English elsewhere."""

from collections.abc import Mapping

_ENGLISH = {
    "news": "Latest news", "older": "All releases by month", "feeds": "Feeds", "text": "Plain text", "copy_text": "Copy text", "copied": "Copied", "zip": "All photos (zip)",
    "languages": "Also in", "downloads": "Downloads", "tags": "Topics", "photos": "Photos", "gone": "This release was withdrawn.",
    "lost": "There is no page at this address.", "back": "Back to the newsroom", "original": "Full size",
    "explain": "A feed brings every release to your feed reader or your newsroom system the moment it is published. "
    "Copy one of these addresses into it.", "skip": "Skip to the text", "none": "Nothing is published yet.",
    "corrected": "Corrected on {date}", "updated": "Updated on {date}",
}  # fmt: skip
_TRADITIONAL = {
    "news": "最新消息", "older": "按月份瀏覽", "feeds": "訂閱源", "text": "純文字", "copy_text": "複製文字", "copied": "已複製", "zip": "全部圖片（zip）", "languages": "其他語言",
    "downloads": "下載", "tags": "主題", "photos": "圖片", "gone": "此新聞稿已撤回。", "lost": "此網址沒有頁面。", "back": "返回新聞中心",
    "original": "原圖", "explain": "訂閱源會在新聞稿發布的一刻，把內容送到你的閱讀器或編輯系統。請複製以下網址。", "skip": "跳到正文",
    "none": "暫無新聞稿。", "corrected": "更正於{date}", "updated": "更新於{date}",
}  # fmt: skip
_SIMPLIFIED = {
    "news": "最新消息", "older": "按月份浏览", "feeds": "订阅源", "text": "纯文本", "copy_text": "复制文字", "copied": "已复制", "zip": "全部图片（zip）", "languages": "其他语言",
    "downloads": "下载", "tags": "主题", "photos": "图片", "gone": "此新闻稿已撤回。", "lost": "此网址没有页面。", "back": "返回新闻中心",
    "original": "原图", "explain": "订阅源会在新闻稿发布的一刻，把内容送到你的阅读器或编辑系统。请复制以下网址。", "skip": "跳到正文",
    "none": "暂无新闻稿。", "corrected": "更正于{date}", "updated": "更新于{date}",
}  # fmt: skip


def of(lang: str) -> Mapping[str, str]:
    """The words for a language tag (BCP 47)."""
    parts = lang.split("-")
    if parts[0] != "zh":
        return _ENGLISH
    traditional = "Hant" in parts or {"HK", "TW", "MO"} & set(parts)
    return _TRADITIONAL if traditional else _SIMPLIFIED

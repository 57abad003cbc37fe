"""What the server itself says to a person, in the languages of the page: a message and a way out for every code."""
from __future__ import annotations

from typing import Any

PHRASES: dict[str, dict[str, tuple[str, str]]] = {
    "garbage": {"en": ("The server could not read a message of this page.", "Reload the page."),
                "zh": ("服务器看不懂页面发来的一条消息。", "请刷新页面。")},
    "unknown-type": {"en": ("The server does not know the message “{kind}”.", "Reload the page: it may be older than the server."),
                     "zh": ("服务器不认识“{kind}”这种消息。", "请刷新页面，它可能比服务器旧。")},
    "bad-field": {"en": ("The message “{kind}” has no proper “{field}”.", "Reload the page."),
                  "zh": ("消息“{kind}”里的“{field}”不对。", "请刷新页面。")},
    "empty": {"en": ("There was nothing to read.", "Type a question, or hold the microphone button and speak."),
              "zh": ("没有收到文字。", "请输入一个问题，或按住话筒说话。")},
    "too-long": {"en": ("That is {count:,} characters; I can take in {most:,} at a time.",
                        "Shorten it, or send it in parts. Your text was kept."),
                 "zh": ("这段话有{count}个字符，我一次最多读{most}个。", "请缩短，或分几次发送。你的文字还在。")},
    "no-message": {"en": ("There is no such message in this conversation.", "Reload the page to see the conversation as it is."),
                   "zh": ("这段对话里没有这条消息。", "请刷新页面，查看当前的对话。")},
    "no-conversation": {"en": ("That conversation is not here any more.", "Choose another, or begin a new one."),
                        "zh": ("那段对话已经不在了。", "请选择别的对话，或重新开始。")},
    "no-twin": {"en": ("There is no twin called “{name}”.", "Choose one of those that are shown."),
                "zh": ("没有叫“{name}”的数字人。", "请从列出的数字人里选一个。")},
    "locked": {"en": ("{name} is behind a passphrase.", "Say the passphrase to open it for this visit."),
               "zh": ("{name}有口令保护。", "输入口令，这次访问期间就能打开。")},
    "no-hearing": {"en": ("The server cannot listen: {why}", "Type instead, or choose the browser's own recogniser."),
                   "zh": ("服务器现在听不了：{why}", "请打字，或使用浏览器自带的语音识别。")},
    "too-short": {"en": ("I heard nothing: that was too short.", "Hold the button while you speak."),
                  "zh": ("太短了，我没听到。", "请按住按钮说话。")},
    "unsaved": {"en": ("The conversation could not be saved: {why}", "Copy it with the Save button, then make room on the server's disk."),
                "zh": ("对话没能保存：{why}", "请先用“保存”按钮存一份，再给服务器腾出空间。")},
    "who": {"en": ("This browser did not say who it is.", "Reload the page; it makes a key of its own and keeps it in this browser."),
            "zh": ("浏览器没有说明身份。", "请刷新页面，它会自己生成一把钥匙，存在这个浏览器里。")},
    "busy": {"en": ("All {most} places are taken.", "Try again in a minute, or close another tab of this page."),
             "zh": ("{most}个位子都满了。", "请过一分钟再试，或关掉别的标签页。")},
    "origin": {"en": ("Another site tried to use this server.", "If it is yours, start with TWIN_ORIGINS={origin}."),
               "zh": ("另一个网站想使用这台服务器。", "如果它是你的，请用 TWIN_ORIGINS={origin} 启动。")},
    "late": {"en": ("The page said nothing for {seconds} seconds.", "Reload the page."),
             "zh": ("页面{seconds}秒没有说话。", "请刷新页面。")},
    "elsewhere": {"en": ("This conversation was opened in another window.", "Reload the page to take it back."),
                  "zh": ("这段对话在另一个窗口打开了。", "刷新页面就能拿回来。")},
    "slow": {"en": ("The connection is too slow, or the page stopped reading.",
                    "The conversation was kept; it goes on when the page is back."),
             "zh": ("网络太慢，或页面停止了接收。", "对话已保存，页面恢复后会继续。")},
    "too-large": {"en": ("A message was too large.", "Send less at a time."),
                  "zh": ("一条消息太大了。", "请一次少发一点。")},
    "enough": {"en": ("Too many messages that nobody can read.", "Reload the page."),
               "zh": ("看不懂的消息太多了。", "请刷新页面。")},
    "gone": {"en": ("This conversation was put away.", "Reload the page; it is kept."),
             "zh": ("这段对话已收起。", "请刷新页面，对话还在。")},
    "listen": {"en": ("Something went wrong while listening.", "Say it once more, or type it."),
               "zh": ("刚才听的时候出了问题。", "请再说一遍，或直接打字。")},
    "think": {"en": ("Something went wrong while thinking.", "Ask again; the log has more."),
              "zh": ("刚才思考的时候出了问题。", "请再问一次，日志里有详情。")},
    "speak": {"en": ("The voice failed; the words are in the captions.", "Ask again; the log has more."),
              "zh": ("声音出了问题，内容请看字幕。", "请再问一次，日志里有详情。")},
    "animate": {"en": ("The face failed and holds still.", "Ask again; the log has more."),
                "zh": ("表情出了问题，脸暂时不动。", "请再问一次，日志里有详情。")},
    "failed": {"en": ("The server could not do that ({why}).", "Try once more; the log has more."),
               "zh": ("服务器没能完成（{why}）。", "请再试一次，日志里有详情。")},
}
WAKING = {"en": "The mind is still waking up.", "zh": "正在醒来……"}


def phrase(code: str, language: str, **values: Any) -> tuple[str, str]:
    """(message, hint) of a code. Raises KeyError for a code that is not there."""
    message, hint = PHRASES[code].get(language) or PHRASES[code]["en"]
    return message.format(**values), hint.format(**values)

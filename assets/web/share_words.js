/** The words of sharing, added to words.js: `key: [en, zh]`. */
import { WORDS } from "./words.js";

Object.assign(WORDS, {
  share_title: ["Share {name}", "分享{name}"], share_ways: ["Ways to share", "分享方式"],
  way_page: ["One page", "一个网页"], way_space: ["Hugging Face", "Hugging Face"], way_site: ["Your website", "你的网站"], way_api: ["API", "API"],
  share_drawn: ["A drawn face: it is nobody's, and may be shown to anyone.", "画出来的脸，不是任何真人，可以给任何人看。"],
  share_scope_private: ["The person agreed for themselves alone. It can be published privately; showing it to others needs a wider consent.", "本人只同意自己使用。可以私密发布；要给别人看，需要放宽同意范围。"],
  share_scope_link: ["The person agreed that it may be given to people by a link.", "本人同意把它交给知道链接的人。"],
  share_scope_public: ["The person agreed that everybody may meet it.", "本人同意所有人都可以见到它。"],
  share_private: ["What is marked private, what was said, and the recordings stay here.", "标为私密的内容、对话和录音都留在这里。"],
  // one page
  page_lead: ["One HTML file that opens by a double click, with no network and no server. It greets, answers what it knows by heart, and says so when it does not know.",
    "一个双击就能打开的 HTML 文件，不用网络，也不用服务器。它会打招呼，会回答它记得的话，不知道的就说不知道。"],
  page_languages: ["Languages", "语言"], lang_en: ["English", "英文"], lang_zh: ["Chinese", "中文"], page_make: ["Make the page", "生成网页"], page_made: ["{mb} MB, saved.", "{mb} MB，已保存。"],
  // a Space
  space_lead: ["A Space of your own on the Hugging Face Hub. Only you see it at first; showing it to everybody is a second step.",
    "在 Hugging Face 上建一个自己的空间。一开始只有你能看到，公开是第二步。"],
  kind_gradio: ["The whole app", "完整应用"], kind_gradio_note: ["Talks freely, listens to the microphone. {mb} MB.", "自由对话，能听麦克风。{mb} MB。"],
  kind_static: ["The page alone", "只放网页"], kind_static_note: ["Free on every account. Says what it knows by heart.", "任何账号都免费。只说它记得的话。"],
  hardware: ["Runs on", "运行在"], "hw_auto": ["What the account can have", "账号能用的"], "hw_zero-a10g": ["ZeroGPU, with {mind}", "ZeroGPU，用 {mind}"], "hw_cpu-basic": ["A processor, with the mind carried along", "处理器，用自带的心智"],
  hardware_note: ["A free account may have two Spaces on ZeroGPU. One on a processor needs a paid plan; the page alone never does.", "免费账号最多两个 ZeroGPU 空间。用处理器需要付费方案，只放网页则不用。"],
  space_name: ["Name", "名称"], space_name_p: ["user/name, or a name of your own account", "用户名/名称，或你账号下的名称"],
  token: ["Access token", "访问令牌"], token_note: ["From huggingface.co/settings/tokens, with the right to write. It is used now, and kept nowhere.", "在 huggingface.co/settings/tokens 创建，需要写入权限。只在这一次使用，不会保存。"],
  token_here: ["Signed in on this machine", "这台电脑已登录"], token_other: ["Use another account", "换一个账号"],
  try_it: ["Try it here first", "先在这里试试"], trying: ["Starting what would be published…", "正在启动将要发布的内容……"], try_open: ["Open it", "打开"], try_stop: ["Stop it", "停止"],
  try_runs: ["Exactly what would be published runs on this machine, for 20 minutes at most. On ZeroGPU it would think with a larger mind.", "将要发布的内容正在这台电脑上运行，最多 20 分钟。在 ZeroGPU 上它会用更大的心智。"],
  zip_it: ["Save as a zip", "存成压缩包"], zipping: ["Packing…", "正在打包……"], publish_it: ["Publish, for me alone", "发布，仅自己可见"], publishing: ["Publishing…", "正在发布……"],
  published: ["Published", "已发布"], badge_private: ["only you", "仅自己"], badge_public: ["public", "公开"], badge_unfinished: ["not finished", "未完成"],
  p_menu: ["What to do with {name}", "对 {name} 的操作"], p_open: ["Open", "打开"], p_finish: ["Finish publishing", "完成发布"], p_update: ["Bring up to date", "更新"], p_show: ["Show to everybody…", "公开……"], p_hide: ["Show to nobody else", "改为仅自己可见"],
  p_duplicate: ["Duplicate…", "复制一份……"], p_unpublish: ["Unpublish…", "取消发布……"],
  show_title: ["Show {name} to everybody?", "公开 {name}？"], show_text: ["Anyone on the internet can then find it, talk with it, and copy what is in it. The consent is asked once more.", "之后网上任何人都能找到它、和它说话，也能复制里面的内容。会再核对一次同意范围。"], show_do: ["Show to everybody", "公开"],
  shown_now: ["It is public now.", "已公开。"], hidden_now: ["Only you see it now.", "现在只有你能看到。"], updated_now: ["It is up to date.", "已更新。"], published_now: ["It is there, for you alone.", "已发布，只有你能看到。"],
  duplicate_title: ["Duplicate {name}", "复制 {name}"], duplicate_do: ["Duplicate", "复制"], duplicated_now: ["The copy is there, for you alone.", "副本已建好，只有你能看到。"],
  unpublish_title: ["Unpublish {name}?", "取消发布 {name}？"], unpublish_text: ["The Space is deleted from the hub with everything in it. Copies that others have made stay theirs.", "空间和里面的一切都会从网站上删除。别人已复制走的无法收回。"], unpublish_do: ["Unpublish", "取消发布"], unpublished_now: ["It is gone from the hub.", "已从网站上删除。"],
  // elsewhere
  site_lead: ["Put {name} into a page of yours. Whoever serves it has to allow that page: TWIN_FRAMES=https://your.site", "把{name}放进你的网页。提供服务的一方要允许那个网站：TWIN_FRAMES=https://your.site"],
  site_frame: ["A frame", "一个框"], site_script: ["Two lines: a button in the corner", "两行：角落里的按钮"], api_python: ["From Python", "用 Python"], api_http: ["Over HTTP", "通过 HTTP"],
  api_lead: ["The same twin for programs. The token says who is asking; keep it to yourself.", "程序也能用同一个分身。令牌说明是谁在问，请妥善保管。"], api_more: ["All of it: /openapi.json, and docs/api.md.", "完整说明：/openapi.json 和 docs/api.md。"],
  copy_it: ["Copy", "复制"],
});

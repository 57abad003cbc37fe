/** Every word the page says, in English and Chinese: `key: [en, zh]`. `{name}` is replaced. */

/** @type {Record<string, [string, string]>} */
export const WORDS = {
  talk: ["Talk", "对话"], studio: ["Studio", "工作室"],
  places: ["Places", "页面"],
  ai: ["AI, not a person", "AI，不是真人"],
  welcome: ["{name} is a digital human: an AI, not a person. Type or talk, and cut in whenever you like. It all runs on {host}.",
    "{name}是一个数字人：是 AI，不是真人。打字、说话都行，随时可以打断。一切都在{host}上运行。"],
  ai_notice: ["You are talking with {name}, an AI and not a person.", "你正在和{name}对话：这是 AI，不是真人。"],
  ai_again: ["You have been talking for two hours. {name} is an AI, not a person. Perhaps take a break.", "你已经连续聊了两个小时。{name}是 AI，不是真人。休息一下吧。"],
  this_machine: ["this computer", "这台电脑"],
  that_machine: ["this server", "这台服务器"],
  got_it: ["Got it", "知道了"],
  sign_in: ["Sign in", "登录"], sign_out: ["Sign out", "退出登录"], sign_in_name: ["Name", "名字"], sign_in_password: ["Password", "密码"], visitor: ["Visitor", "访客"],
  account: ["Account", "账号"], sign_in_ended: ["You are not signed in any more. What was said is kept, and so is what you typed: sign in to go on.", "登录已失效。对话和你输入的内容都还在，登录后即可继续。"], sign_in_hub: ["Sign in with Hugging Face", "用 Hugging Face 登录"],
  sign_in_hub_why: ["A window of Hugging Face opens; this page learns your name there, and keeps it until you sign out.", "会打开 Hugging Face 的窗口；本页只得知你在那里的名字，直到你退出登录。"],
  in_queue: ["{state} · place {place}", "{state} · 第{place}位"],
  rested: ["Nobody spoke for a while, so this place went to somebody else.", "很久没有人说话，位子让给了别人。"],
  rested_hint: ["Reload the page to go on; the conversation is kept.", "刷新页面即可继续，对话还在。"],
  // states
  waking: ["Waking up", "正在醒来"], idle: ["Ready", "在呢"], listening: ["Listening", "正在听"], thinking: ["Thinking", "正在想"],
  speaking: ["Speaking", "正在说"], offline: ["Offline", "已断线"], connecting: ["Connecting", "正在连接"],
  // talking
  say_here: ["Say something to {name}", "对{name}说点什么"],
  say_offline: ["Keep typing; it can be sent when {name} is back", "可以先写着，连上后再发送"],
  message: ["Your message", "你的话"],
  conversation: ["Conversation", "对话"],
  send: ["Send (Enter)", "发送（回车）"], stop: ["Stop (Esc)", "停止（Esc）"],
  mic: ["Hold to talk (space bar)", "按住说话（空格键）"], mic_on: ["Release or tap to send", "松开或再点一下发送"],
  free: ["Hands-free: just talk", "免按键：直接说"], free_on: ["Hands-free is on", "免按键已开"],
  hint_type: ["Enter sends · hold the space bar to talk", "回车发送 · 按住空格键说话"],
  hint_touch: ["Hold the microphone to talk", "按住麦克风说话"],
  hint_free: ["Just talk. You can cut in at any time.", "直接说就好，随时可以打断。"],
  hint_push: ["Listening. Release or tap again to send.", "正在听。松开或再点一下就发送。"],
  hint_speak: ["Esc, or just talk or type, to cut in", "按 Esc，或直接打字、说话，就能打断"],
  hint_speak_touch: ["Type or talk to cut in", "打字或说话就能打断"],
  first_word: ["{s} s to first word", "{s} 秒开口"],
  first_word_tip: ["From your message to the first sound of the answer", "从你发出到听见第一个字"],
  corrected: ["Not sure I heard that right. Correct it, then send.", "我不确定听对了，改一改再发送。"],
  heard_nothing: ["I heard nothing I could make out. Try again, or type it.", "没听清。再说一次，或者打字吧。"],
  editing: ["Editing an earlier message; what came after it goes.", "正在修改前面的话，它后面的内容会被替换。"],
  cancel: ["Cancel", "取消"],
  too_long: ["That is very long. At most {n} characters can be sent at once.", "太长了，一次最多发送 {n} 个字。"],
  you: ["You", "你"],
  // how an answer was made
  step_line: ["own line", "自己的话"], step_rule: ["by rule", "按规则"], step_model: ["model", "模型"], step_fact: ["from facts", "依据事实"], step_document: ["from a document", "来自文档"], step_memory: ["remembered", "记得"], step_tool: ["by a tool", "用工具"], tip_tool: ["A small tool did it: a reminder, a search in a catalogue", "由小工具完成：提醒、查目录"], scene_state: ["How things stand", "进行到哪儿"],
  step_unknown: ["doesn't know", "不知道"], step_greeting: ["greeting", "问候"], step_aside: ["on its own", "主动说的"],
  tip_line: ["One of the lines written for this twin, found by its meaning", "为这个数字人写好的话，按意思找到"],
  tip_rule: ["Answered by a fixed rule, so that it is right", "按固定规则回答，保证正确"],
  tip_model: ["Worded by the language model and checked against the persona", "由语言模型组织，并与人物设定核对过"],
  tip_fact: ["Said from the persona's facts, as the model's own words did not pass the check", "模型的话没有通过核对，改用人物设定里的事实"],
  tip_document: ["Quoted from one of its documents, with the source", "引自它的文档，并说明出处"],
  tip_memory: ["From what you told it; see Memory in the menu", "来自你告诉它的事，见菜单里的“记忆”"], m_memory: ["Memory", "记忆"], m_words: ["Train on their words", "用他们的话训练"],
  tip_unknown: ["Nothing it knows answers this, and it does not make things up", "它不知道答案，也不编造"],
  tip_greeting: ["Said to open the conversation", "开场的问候"], tip_aside: ["Said of its own accord in a silence", "安静时主动说的"],
  sources: ["from {list}", "依据：{list}"],
  mood_neutral: ["calm", "平静"], mood_happy: ["happy", "开心"], mood_warm: ["warm", "温暖"], mood_amused: ["amused", "觉得好笑"],
  mood_excited: ["excited", "兴奋"], mood_proud: ["proud", "自豪"], mood_curious: ["curious", "好奇"], mood_thoughtful: ["thoughtful", "若有所思"],
  mood_surprised: ["surprised", "惊讶"], mood_sad: ["sad", "难过"], mood_concerned: ["concerned", "关切"], mood_annoyed: ["annoyed", "不快"],
  cut_tip: ["Not said aloud: it was interrupted", "被打断，没有说出口"],
  // what can be done with a message
  teach: ["That was wrong: teach it", "说得不对：教它"], teach_title: ["What should {name} have said?", "{name}该怎么说？"], teach_asked: ["When asked", "当别人问"], teach_said: ["say", "就说"],
  teach_it: ["Teach it", "教会它"], taught: ["Learned. Ask again.", "学会了，再问一次吧。"], teach_text: ["It becomes one of its own lines; you find it again when you edit its character.", "它会成为分身自己的一句话，可在“编辑性格”里找到。"],
  regenerate: ["Answer again", "重新回答"], edit: ["Edit and send again", "修改后重发"], rewind: ["Go back to here", "回到这里"], copy: ["Copy", "复制"],
  copied: ["Copied", "已复制"], copy_failed: ["This browser does not let the page copy. Select the text instead.", "浏览器不允许复制，请直接选中文字。"],
  // the conversation as a whole
  more: ["More", "更多"], copy_all: ["Copy conversation", "复制对话"], save: ["Save as a file", "保存为文件"], clear: ["New conversation", "新对话"],
  earlier: ["Earlier conversations", "以前的对话"], no_earlier: ["Nothing yet. Conversations are kept here for you alone.", "还没有。对话只为你保存在这里。"],
  resume: ["Resume", "继续"], forget: ["Delete this conversation", "删除这段对话"], untitled: ["Without a title", "无标题"],
  today: ["today", "今天"], current: ["current", "当前"],
  saved_by: ["A conversation with {name}, a digital human (AI). Saved {when}.", "与数字人（AI）{name}的对话，保存于 {when}。"],
  // stage
  tap: ["Tap to hear {name}", "点一下，听{name}说话"], captions: ["Captions", "字幕"],
  mute: ["Mute", "静音"], unmute: ["Sound on", "打开声音"], only: ["Only the twin", "只看数字人"], back: ["Back to the conversation", "返回对话"],
  portrait: ["{name}, a digital human", "数字人{name}"],
  // header
  twins: ["Twins", "数字人"], language: ["Language of the page", "页面语言"], other_language: ["中文", "English"],
  engines: ["Engines in use", "正在使用的引擎"], listen: ["Hearing", "听"], think: ["Mind", "想"], speak: ["Voice", "说"],
 settings: ["Settings", "设置"], close: ["Close", "关闭"],
  choose_models: ["Choose models", "选择模型"], engines_away: ["What you say goes to {host}, where the model runs.", "你说的话会发到 {host}，模型在那里运行。"],
  engines_note: ["Nothing you say leaves this server.", "你说的话不会离开这台服务器。"],
  // settings
  look: ["Appearance", "外观"], auto: ["Auto", "自动"], light: ["Light", "浅色"], dark: ["Dark", "深色"],
  sound: ["Sound", "声音"], volume: ["Volume", "音量"], microphone: ["Microphone", "麦克风"], speaker: ["Speaker", "扬声器"],
  default_device: ["Default", "默认"], no_speaker: ["This browser chooses the speaker itself.", "扬声器由浏览器选择。"],
  ask_devices: ["Allow the microphone once to see its name here.", "允许一次麦克风后，这里会显示名称。"],
 show_captions: ["Show captions on the picture", "在画面上显示字幕"], keys: ["Keys", "按键"],
  key_space: ["Hold the space bar to talk", "按住空格键说话"], key_esc: ["Esc stops the twin", "Esc 让数字人停下"],
  key_enter: ["Enter sends, Shift+Enter starts a new line", "回车发送，Shift+回车换行"],
  // trouble
  offline_title: ["The connection is gone.", "连接断开了。"], offline_hint: ["Your text is kept. Trying again by itself.", "写的字会保留，正在自动重连。"],
  retry: ["Try now", "现在重试"], dismiss: ["Dismiss", "关闭"],
  mic_insecure: ["The browser gives a microphone only to secure pages.", "浏览器只允许安全页面使用麦克风。"],
  mic_insecure_hint: ["Open it as http://localhost on this computer, or start it with `make run HTTPS=1` and open the https address.",
    "在本机用 http://localhost 打开，或用 `make run HTTPS=1` 启动并打开 https 地址。"],
  mic_refused: ["The microphone was refused.", "麦克风未被允许。"],
  mic_refused_hint: ["Allow it by the icon left of the address, or type instead.", "点地址栏左边的图标允许它，也可以打字。"],
  mic_none: ["No microphone was found.", "没有找到麦克风。"], mic_none_hint: ["Plug one in and try again, or type instead.", "接上麦克风再试，也可以打字。"],
  mic_busy: ["The microphone is in use elsewhere.", "麦克风正被占用。"], mic_busy_hint: ["Close the other program and try again.", "关闭占用它的程序再试。"],
  hear_title: ["Hearing Chinese", "听中文"],
  hear_none: ["This server has no model that hears Chinese.", "这台服务器没有能听懂中文的模型。"],
  hear_browser: ["Your browser has a recogniser of its own. It usually sends your voice to the browser's maker (for Chrome: Google) to turn it into text. The text then comes here.",
    "你的浏览器自带语音识别，但通常会把你的声音发给浏览器厂商（Chrome 是谷歌）转成文字，再把文字交给这里。"],
  hear_no_browser: ["This browser has no recogniser either. A speech model on the server (see `python -m twin doctor`), or typing, will do.",
    "这个浏览器也没有自带识别。可以在服务器上装语音模型（见 `python -m twin doctor`），或者打字。"],
  use_browser: ["Use the browser's recogniser", "使用浏览器识别"], type_instead: ["I'll type", "我打字"],
  native_failed: ["The browser's recogniser did not answer.", "浏览器的识别没有回应。"],
  native_failed_hint: ["It usually needs the internet. Type instead.", "它通常需要联网。可以打字。"],
  elsewhere: ["This conversation is open in another window.", "这段对话已在另一个窗口打开。"], elsewhere_hint: ["Reload to take it back here.", "刷新本页可接回来。"],
  picture_damaged: ["The moving picture could not be loaded; here is the still one.", "动态画面没能加载，先看静态的。"],
  picture_failed: ["The moving picture could not start; here is the still one.", "动态画面没能启动，先看静态的。"],
  picture_failed_hint: ["A browser with WebGL 2 shows it.", "支持 WebGL 2 的浏览器可以显示。"],
  start_1: ["Who are you?", "你是谁？"], start_2: ["What do you like?", "你喜欢什么？"], start_3: ["Tell me a joke", "讲个笑话吧"],
  empty_hint: ["Ask about anything, or say hello.", "问什么都可以，或者打个招呼。"],
};

export const LANGUAGES = ["en", "zh"];
let language = "en";

/** @param {string} key @param {Record<string, unknown>} [args] @returns {string} */
export function word(key, args = {}) {
  const text = WORDS[key]?.[language === "zh" ? 1 : 0] ?? key;
  return text.replace(/\{(\w+)\}/g, (_, name) => String(args[name] ?? ""));
}

export const has = (/** @type {string} */ key) => key in WORDS;

/** Put the words into an element that carries `data-t`, `data-tip`. @param {HTMLElement} element */
export function fill(element) {
  const args = element.dataset.args ? JSON.parse(element.dataset.args) : {};
  if (element.dataset.t) {
    const text = word(element.dataset.t, args);
    if (element instanceof HTMLTextAreaElement) element.placeholder = text;
    else element.textContent = text;
  }
  if (element.dataset.tip) {
    element.title = word(element.dataset.tip, args);
    element.setAttribute("aria-label", element.title);
  }
}

/** @param {string} to @param {HTMLElement} root everything under it is put into the other language */
export function setLanguage(to, root) {
  language = LANGUAGES.includes(to) ? to : "en";
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  root.lang = document.documentElement.lang;
  for (const element of root.querySelectorAll("[data-t], [data-tip]")) fill(/** @type {HTMLElement} */ (element));
}

export const getLanguage = () => language;
/** A name or tagline that comes as {en, zh} or as text. @param {any} value @returns {string} */
export const own = (value) => (value && typeof value === "object" ? value[language] ?? value.en ?? "" : value ?? "");

/** The browser's own speech recogniser, for a language the server cannot hear. It is used only after the user agreed to where sound goes. */

const Native = window.SpeechRecognition ?? window.webkitSpeechRecognition;

export class Recogniser {
  static there = Boolean(Native);

  /** @param {string} language BCP 47 @param {{partial(text: string): void, done(text: string): void, failed(reason: string): void}} to */
  constructor(language, to) {
    this.text = "";
    this.native = new Native();
    Object.assign(this.native, { lang: language, interimResults: true, continuous: true });
    this.native.onresult = (event) => {
      this.text = [...event.results].map((result) => result[0].transcript).join("");
      to.partial(this.text);
    };
    this.native.onerror = (event) => { if (event.error !== "aborted" && event.error !== "no-speech") to.failed(event.error); };
    this.native.onend = () => to.done(this.text.trim());
  }

  start() { this.native.start(); }

  stop() { this.native.stop(); }
}

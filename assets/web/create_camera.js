/** One photo from the camera, mirrored while one looks at it, as it is when taken. */
import { h, icon, iconButton } from "./dom.js";

/** @param {HTMLElement} place @returns {Promise<Blob | null>} null: closed without one. Throws where there is no camera */
export async function takePhoto(place) {
  const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "user", width: { ideal: 1920 }, height: { ideal: 1440 } } });
  const video = h("video", { autoplay: true, playsinline: true, muted: true });
  video.srcObject = stream;
  return new Promise((resolve) => {
    let photo = null;
    const dialog = h("dialog", { class: "sheet camera", "aria-labelledby": "create-camera" },
      h("header", {}, h("h2", { id: "create-camera", t: "camera_title" }), iconButton("close", "close", () => dialog.close(), { class: "round ghost" })),
      h("div", { class: "camera-view" }, video, h("i", { class: "camera-oval", "aria-hidden": "true" })),
      h("div", { class: "answers" }, h("button", { type: "button", class: "wide strong", onclick: () => { snap(); } }, icon("camera"), h("span", { t: "camera_take" }))));
    const snap = async () => {
      if (!video.videoWidth) return;
      const canvas = Object.assign(document.createElement("canvas"), { width: video.videoWidth, height: video.videoHeight });
      canvas.getContext("2d").drawImage(video, 0, 0);
      photo = await new Promise((done) => { canvas.toBlob(done, "image/jpeg", 0.95); });
      dialog.close();
    };
    dialog.addEventListener("close", () => { for (const track of stream.getTracks()) track.stop(); dialog.remove(); resolve(photo); });
    place.append(dialog);
    dialog.showModal();
  });
}

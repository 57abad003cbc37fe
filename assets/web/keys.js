/** Keys of the whole page: Escape stops, and after a click the space bar is for talking again. */

/** @param {HTMLElement} root @param {() => void} stop */
export function wireKeys(root, stop) {
  addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !event.isComposing && !document.querySelector("dialog[open], :popover-open")) stop();
  });
  root.addEventListener("click", (event) => {
    const button = /** @type {HTMLElement | null} */ (/** @type {HTMLElement} */ (event.target).closest?.(".stage button, .composer button"));
    if (event.detail) button?.blur();
  });
}

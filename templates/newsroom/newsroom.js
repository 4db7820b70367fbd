// "Copy text": the plain text of the release into the clipboard. Without this file the link beside the button does it.
for (const button of document.querySelectorAll("button[data-copy]")) {
  if (!window.ClipboardItem || !navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener("click", async () => {
    const text = fetch(button.dataset.copy)
      .then((answer) => (answer.ok ? answer.text() : Promise.reject(new Error(answer.status))))
      .then((plain) => new Blob([plain], { type: "text/plain" }));
    try {
      await navigator.clipboard.write([new ClipboardItem({ "text/plain": text })]);
      button.textContent = button.dataset.done;
    } catch {
      location.href = button.dataset.copy;
    }
  });
}

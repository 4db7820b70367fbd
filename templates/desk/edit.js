// Live preview beside the text, and words that are never lost. The form works without it.
"use strict";
(() => {
  const form = document.querySelector("[data-edit]"), frame = document.querySelector("[data-preview]");
  if (!form || !frame) return;
  const base = form.dataset.edit, show = (name, on) => { const e = document.querySelector(`[data-${name}]`); if (e) e.hidden = !on; };
  const kept = document.querySelector("[data-kept]"), box = document.querySelector("[data-problems]");
  let typing, saving, dirty = false, asking = null, leaving = false;

  const preview = async () => {
    if (asking) asking.abort();
    asking = new AbortController();
    try {
      const answer = await fetch(`${base}/live`, { method: "POST", body: new FormData(form), signal: asking.signal, headers: { Accept: "application/json" } });
      show("offline", false);
      if (answer.status === 422) {
        const list = document.createElement("ul");
        for (const problem of (await answer.json()).problems) {
          const item = document.createElement("li"), line = /:(\d+):/.exec(problem);
          item.textContent = problem;
          if (line) { item.tabIndex = 0; item.addEventListener("click", () => toLine(problem, Number(line[1]))); }
          list.append(item);
        }
        box.replaceChildren(list); box.hidden = false;
      } else if (answer.ok) {
        box.hidden = true;
        const at = frame.contentWindow ? frame.contentWindow.scrollY : 0;
        frame.onload = () => frame.contentWindow.scrollTo(0, at);
        frame.src = `${base}/live?${Date.now()}`;
      }
    } catch (error) { if (error.name !== "AbortError") show("offline", true); }
  };

  const toLine = (problem, number) => {
    const area = [...form.querySelectorAll("textarea")].find((one) => problem.startsWith(one.name.slice(5))) || form.querySelector("textarea");
    const start = area.value.split("\n").slice(0, number - 1).join("\n").length + (number > 1 ? 1 : 0);
    area.focus(); area.setSelectionRange(start, start);
  };

  const keep = async () => {
    if (!dirty) return;
    try {
      const answer = await fetch(`${base}/keep`, { method: "POST", body: new FormData(form) });
      if (!answer.ok) throw new Error(String(answer.status));
      dirty = false; show("offline", false);
      show("changed", (await answer.json()).changed.length > 0);
      kept.textContent = `✓ ${new Date().toLocaleTimeString()}`;
    } catch { show("offline", true); }
  };

  form.addEventListener("input", () => {
    dirty = true; kept.textContent = "…";
    clearTimeout(typing); typing = setTimeout(preview, 150);
    clearTimeout(saving); saving = setTimeout(keep, 2000);
  });
  form.addEventListener("submit", () => { leaving = true; });
  setInterval(keep, 5000);
  addEventListener("pagehide", () => { if (dirty && !leaving) navigator.sendBeacon(`${base}/keep`, new FormData(form)); });
  addEventListener("beforeunload", (event) => { if (dirty && !leaving) event.preventDefault(); });
})();

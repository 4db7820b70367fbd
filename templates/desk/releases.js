// Counts the findings of files that nobody has looked at since they changed: two at a time, the visible ones.
(() => {
  "use strict";
  const waiting = [...document.querySelectorAll("[data-findings]")];
  async function work() {
    for (let link = waiting.shift(); link; link = waiting.shift()) {
      try {
        const answer = await fetch(link.dataset.findings, { headers: { Accept: "application/json" } });
        if (!answer.ok) continue;
        const n = await answer.json();
        link.textContent = `${n.error} · ${n.warning} · ${n.note}`;
        link.setAttribute("aria-label", `${link.textContent} ` + link.dataset.words.replace("{e}", n.error).replace("{w}", n.warning).replace("{n}", n.note));
        link.closest("td").classList.toggle("has-errors", n.error > 0);
      } catch {
        return; // offline: the links still lead to the preview
      }
    }
  }
  work();
  work();
})();

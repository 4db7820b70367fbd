// The last net: what is typed stays in this browser until the desk has it, and is offered when the page is opened again.
(() => {
  "use strict";
  const form = document.getElementById("edit");
  if (!form) return;
  const box = document.getElementById("net");
  const front = form.dataset.net;
  const own = front + form.elements.tab.value;
  const safe = JSON.parse(form.dataset.safe);
  const month = 30 * 86400 * 1000;
  const plain = (text) => String(text ?? "").replaceAll("\r\n", "\n");
  const inputs = () => [...form.elements].filter((one) => one.name && !["csrf", "tab", "number", "shown", "then"].includes(one.name));
  const value = (one) => (one.type === "checkbox" ? (one.checked ? "on" : "") : plain(one.value));

  desk.net = {
    put() {
      try {
        const values = Object.fromEntries(inputs().map((one) => [one.name, value(one)]));
        localStorage.setItem(own, JSON.stringify({ at: Date.now(), values }));
      } catch {} // no room, or not allowed: the desk keeps it as well
    },
    drop() {
      try { localStorage.removeItem(own); } catch {}
    },
  };

  function read(key) {
    try { return JSON.parse(localStorage.getItem(key)); } catch { return null; }
  }

  // Other windows' words that the desk does not have: not kept or saved there, and not what stands in the form already.
  function left() {
    const found = [];
    for (const key of Object.keys(localStorage).filter((one) => one.startsWith("desk/") && one !== own)) {
      const kept = read(key);
      if (!kept || !kept.values || Date.now() - kept.at > month) localStorage.removeItem(key);
      else if (key.startsWith(front)) {
        const same = inputs().every((one) => /^(was$|seen\.)/.test(one.name) || !(one.name in kept.values) || kept.values[one.name] === value(one));
        if (same || kept.at <= (safe[key.slice(front.length)] || 0)) localStorage.removeItem(key);
        else found.push([key, kept]);
      }
    }
    return found.sort((one, other) => other[1].at - one[1].at);
  }

  // As it was typed and from where it began, so that what others saved since is seen as newer.
  function take(kept) {
    for (const one of inputs()) {
      if (!(one.name in kept.values)) continue;
      if (one.type === "checkbox") one.checked = kept.values[one.name] === "on";
      else one.value = kept.values[one.name];
    }
    desk.net.put();
    form.dispatchEvent(new Event("input", { bubbles: true }));
  }

  function offer() {
    for (const row of box.querySelectorAll("div")) row.remove();
    const found = left();
    for (const [key, kept] of found) {
      const row = box.querySelector("template").content.firstElementChild.cloneNode(true);
      const texts = Object.entries(kept.values).filter(([name]) => name.startsWith("text.")).map(([, text]) => text);
      row.querySelector("summary").textContent = new Date(kept.at).toLocaleString(document.documentElement.lang);
      row.querySelector("pre").textContent = texts.join("\n\n");
      row.addEventListener("click", (event) => {
        if (event.target.matches("[data-take]")) take(kept);
        else if (!event.target.matches("[data-drop]")) return;
        localStorage.removeItem(key);
        offer();
      });
      box.append(row);
    }
    box.hidden = !found.length;
  }
  try { offer(); } catch {} // a browser that keeps nothing
  addEventListener("storage", () => { try { offer(); } catch {} });
})();

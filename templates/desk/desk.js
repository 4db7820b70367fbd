// What the desk does better with a script; every page works without it.
"use strict";
(() => {
  const left = (seconds) => {
    const past = seconds < 0, s = Math.abs(Math.round(seconds));
    const days = Math.floor(s / 86400), parts = [Math.floor(s / 3600) % 24, Math.floor(s / 60) % 60, s % 60];
    const clock = parts.map((part) => String(part).padStart(2, "0")).join(":");
    return `${past ? "+" : "−"}${days ? `${days} d ` : ""}${clock}`;
  };
  const count = () => {
    for (const element of document.querySelectorAll("[data-instant]"))
      element.textContent = left((Date.parse(element.dataset.instant) - Date.now()) / 1000);
  };
  count();
  setInterval(count, 1000);

  for (const element of document.querySelectorAll("[data-ask]"))
    element.addEventListener("click", (event) => { if (!confirm(element.dataset.ask)) event.preventDefault(); });

  const live = document.querySelector("[data-events]");
  if (live && window.EventSource) {
    const events = new EventSource(live.dataset.events);
    events.addEventListener("board", (event) => { live.innerHTML = event.data; count(); });
    events.addEventListener("end", () => events.close());
    const off = document.querySelector("[data-offline]");
    events.onerror = () => { if (off) off.hidden = false; };
    events.onopen = () => { if (off) off.hidden = true; };
  }
})();

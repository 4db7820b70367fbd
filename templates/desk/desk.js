// The desk's own script: countdowns, questions before what cannot be undone, copying. Every page works without it.
(() => {
  "use strict";
  const root = document.documentElement;
  // The desk's clock counts, not the browser's: several machines may share one.
  const ahead = Date.parse(root.dataset.now) - Date.now();

  const desk = (window.desk = {
    csrf: () => document.body.dataset.csrf,
    now: () => Date.now() + ahead,
    // Says something to people and to screen readers, for a few seconds.
    say(text) {
      const place = document.getElementById("said");
      place.textContent = text;
      clearTimeout(desk.timer);
      desk.timer = setTimeout(() => (place.textContent = ""), 5000);
    },
    // POST with the session's token; a FormData or a plain object is the body.
    async post(url, body) {
      const form = body instanceof FormData ? body : new FormData();
      if (form !== body) for (const [key, value] of Object.entries(body || {})) form.append(key, value);
      return fetch(url, { method: "POST", body: form, headers: { "X-CSRF": desk.csrf(), Accept: "application/json" } });
    },
    // "1 d 4 h", "12 min 5 s": two units are enough, and from two days on the days.
    span(milliseconds) {
      let seconds = Math.floor(Math.abs(milliseconds) / 1000);
      if (seconds >= 172800) return `${Math.floor(seconds / 86400)} d`;
      const parts = [];
      for (const [unit, length] of [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]]) {
        const count = Math.floor(seconds / length);
        seconds -= count * length;
        if (count || (unit === "s" && !parts.length)) parts.push(`${count} ${unit}`);
        else if (parts.length) break;
      }
      return parts.slice(0, 2).join(" ");
    },
  });

  // <span data-countdown="2030-01-01T00:00:00+00:00"> counts down to the instant, then empties.
  function tick() {
    for (const place of document.querySelectorAll("[data-countdown]")) {
      const left = Date.parse(place.dataset.countdown) - desk.now();
      const text = left > 0 ? root.dataset.in.replace("{time}", desk.span(left)) : "";
      if (place.textContent !== text) place.textContent = text;
    }
  }
  tick();
  setInterval(tick, 1000);

  document.addEventListener("submit", (event) => {
    const question = (event.submitter || event.target).dataset.ask;
    if (question && !confirm(question)) event.preventDefault();
  });

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent.trim());
    desk.say(button.dataset.said || "✓");
  });

  // The zone that the browser knows, where nobody has said another.
  const zone = document.querySelector("[data-zone]");
  if (zone && zone.value === "UTC") zone.value = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";

  for (const button of document.querySelectorAll("[data-print]")) {
    button.hidden = false;
    button.addEventListener("click", () => print());
  }
  addEventListener("beforeprint", () => document.querySelectorAll("main details").forEach((one) => (one.open = true)));

  // A choice that filters sends its form at once.
  document.addEventListener("change", (event) => {
    if (event.target.matches("form[data-now] select")) event.target.form.requestSubmit();
  });
})();

// Writing: the preview follows after a pause, what is written is kept every two seconds and when the window closes.
(() => {
  "use strict";
  const form = document.getElementById("edit");
  if (!form) return;
  const live = document.getElementById("live");
  const state = document.getElementById("state");
  const place = (id) => document.getElementById(id);
  let pause, kept = true, saving = false, left = false;

  const body = () => {
    form.elements.number.value = Date.now();
    return new FormData(form);
  };
  const words = (id, text) => {
    place(id).textContent = text;
    place(id).hidden = !text;
  };

  function around(said) {
    if (!said.others) return; // a later request of this window came before it
    const names = said.others.join(", ");
    if (names) place("presence").dataset.words ||= place("presence").textContent.split(":")[0] || "Also open here";
    words("presence", names && `${place("presence").dataset.words}: ${names}`);
    words("newer", said.newer.length ? `${place("newer").dataset.words} ${said.newer.join(", ")}` : "");
  }

  // True when the desk answered. A lost connection and a session that is over show their banner; both are tried again.
  async function post(url, take) {
    try {
      let answer = await desk.post(url, body());
      if (answer.status === 403 && (await renew())) answer = await desk.post(url, body());
      if (answer.redirected || answer.status >= 500) throw new Error(answer.status);
      place("offline").hidden = true;
      place("signedout").hidden = answer.status !== 401 && answer.status !== 403;
      if (answer.ok) take(await answer.json());
      return answer.ok;
    } catch {
      place("offline").hidden = false;
      return false;
    }
  }

  // Whoever signed in again, in another tab, has another token; nobody else's is taken.
  async function renew() {
    const answer = await fetch("/account");
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const who = (one) => one.querySelector(".who a")?.textContent;
    if (answer.redirected || who(page) !== who(document)) return false;
    document.body.dataset.csrf = page.body.dataset.csrf;
    for (const one of document.querySelectorAll("[name=csrf]")) one.value = page.body.dataset.csrf;
    return true;
  }

  // The field's new value where nobody is typing in it, and nothing half typed stands in it; a checkbox is "on" or empty.
  function fill(name, value) {
    const input = form.elements[name];
    if (!input || input === document.activeElement || input.validity.badInput) return;
    if (input.type === "checkbox") input.checked = value === "on";
    else if (input.value !== value) input.value = value;
  }

  // One at a time, and another one at its end for what was typed meanwhile: a slow desk is asked less often, not more.
  let flying = false, again = false;
  async function look() {
    again = flying;
    if (flying || left) return;
    flying = true;
    await see();
    flying = false;
    if (again) look();
  }

  async function see() {
    const before = new FormData(form);
    await post(form.dataset.live, (said) => {
      const open = new Map([...live.querySelectorAll("details")].map((one) => [one.dataset.open, one.open]));
      const top = live.scrollTop;
      live.innerHTML = said.html; // made by the desk, every value in it escaped
      for (const one of live.querySelectorAll("details")) if (open.has(one.dataset.open)) one.open = open.get(one.dataset.open);
      live.scrollTop = top;
      let took = true; // else the inputs' changes are sent again with the next pause
      for (const [key, text] of Object.entries(said.sources)) {
        const area = form.elements[`text.${key}`];
        if (!area || area.value === text) continue;
        if (area.value.replaceAll("\r\n", "\n") !== String(before.get(area.name)).replaceAll("\r\n", "\n")) took = false;
        else {
          const [from, to] = [area.selectionStart, area.selectionEnd];
          area.value = text;
          area.setSelectionRange(from, to);
        }
      }
      if (took) {
        const was = { ...JSON.parse(form.elements.was.value), ...said.fields };
        for (const [name, value] of Object.entries(said.fields)) {
          const sent = String(before.get(name) || "");
          const now = form.elements[name] && (form.elements[name].type === "checkbox" ? (form.elements[name].checked ? "on" : "") : form.elements[name].value);
          if (now !== undefined && now !== sent) was[name] = sent; // changed since: it goes with the next one
          else if (form.elements[name] === document.activeElement) was[name] = sent;
          else fill(name, value);
        }
        form.elements.was.value = JSON.stringify(was);
      }
      words("unread", said.unread);
      around(said);
    });
  }

  async function keep() {
    if (kept || saving || left) return;
    saving = true;
    kept = true;
    desk.net.put();
    if (!(await post(form.dataset.autosave, around))) kept = false;
    else if (kept) {
      state.textContent = state.dataset.kept;
      desk.net.drop();
    }
    saving = false;
  }

  function typed() {
    kept = left = false;
    state.textContent = state.dataset.typing;
    clearTimeout(pause);
    pause = setTimeout(() => { desk.net.put(); look(); }, 20);
  }
  form.addEventListener("input", typed);
  // What was typed before this script came, over a slow line, or what the browser put back into the form.
  if ([...form.elements].some((one) => (one.type === "checkbox" ? one.checked !== one.defaultChecked : /^text/.test(one.type) && one.value !== one.defaultValue))) typed();
  setInterval(keep, 2000);
  const ask = () => document.hidden || left || (kept && post(form.dataset.autosave, around));
  setInterval(ask, 10000);
  if (!place("presence").hidden) setTimeout(ask, 1500); // it may be this very window, before it was loaded again
  addEventListener("online", () => { look(); keep(); });
  addEventListener("offline", () => (place("offline").hidden = false));
  // Saving, giving up and deleting end this window's words at the desk: nothing is kept after it.
  document.addEventListener("submit", (event) => {
    const ends = event.target === form || "ends" in event.target.dataset;
    if (event.defaultPrevented || !ends) return;
    left = true;
    clearTimeout(pause);
    if (event.target === form) desk.net.put();
    else desk.net.drop();
    if (event.target.elements.number) event.target.elements.number.value = Date.now();
  });
  addEventListener("pageshow", (event) => { if (event.persisted) left = false; });
  addEventListener("pagehide", () => {
    if (left) return;
    if (!kept) desk.net.put();
    const last = body();
    last.append("leave", "1");
    navigator.sendBeacon(form.dataset.autosave, last);
  });

  // To the line of a text: from a finding, or from the address.
  function show(key, line) {
    const area = form.elements[`text.${key}`];
    if (!area) return;
    const lines = area.value.split("\n");
    const from = lines.slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0);
    area.focus();
    area.setSelectionRange(from, from + (lines[line - 1] || "").length);
    area.scrollTop = Math.max(0, (area.scrollHeight / lines.length) * (line - 4));
  }
  live.addEventListener("click", (event) => {
    const link = event.target.closest("[data-key]");
    if (!link) return;
    event.preventDefault();
    show(link.dataset.key, Number(link.dataset.line) || 1);
  });
  const wanted = /^#line-(\d+)(?:-([\w-]+))?$/.exec(location.hash);
  if (wanted) show(wanted[2] || "main", Number(wanted[1]));
})();

// The board moves while somebody looks; without this the page is loaded again by hand.
"use strict";
(() => {
  const place = document.querySelector("[data-events]");
  if (!place || !window.EventSource) return;
  const lost = document.querySelector("[data-lost]");
  const waiting = new Map();
  // What somebody is at stays as it is until they are done: a button never moves away under a finger.
  const busy = (part) => part.contains(document.activeElement) || part.matches(":active");
  function show(part, html) {
    waiting.set(part, html);
    draw();
  }
  function draw() {
    for (const [part, html] of waiting) {
      if (busy(part)) continue;
      waiting.delete(part);
      part.innerHTML = html; // made by the desk, every value in it escaped
    }
  }
  for (const ends of ["focusout", "pointerup", "pointercancel"]) document.addEventListener(ends, () => setTimeout(draw));
  (function open() {
    const events = new EventSource(place.dataset.events);
    events.addEventListener("board", (event) => show(place, event.data));
    events.addEventListener("rows", (event) => show(document.getElementById("rows"), event.data));
    events.onopen = () => { lost.hidden = true; };
    events.onerror = () => {
      lost.hidden = false;
      if (events.readyState === EventSource.CLOSED) setTimeout(open, 3000); // a server in between said no: the browser gives up
    };
  })();
})();

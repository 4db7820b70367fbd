// The board moves while somebody looks; without this the page is loaded again by hand.
"use strict";
(() => {
  const place = document.querySelector("[data-events]");
  if (!place || !window.EventSource) return;
  const lost = document.querySelector("[data-lost]"), events = new EventSource(place.dataset.events);
  events.addEventListener("board", (event) => { place.innerHTML = event.data; });
  events.onerror = () => { lost.hidden = false; };
  events.onopen = () => { lost.hidden = true; };
})();

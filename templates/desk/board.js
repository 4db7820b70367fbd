// The board moves while somebody looks; without this the page is loaded again by hand.
"use strict";
(() => {
  const place = document.querySelector("[data-events]");
  if (!place || !window.EventSource) return;
  const lost = document.querySelector("[data-lost]");
  (function open() {
    const events = new EventSource(place.dataset.events);
    events.addEventListener("board", (event) => { place.innerHTML = event.data; });
    events.onopen = () => { lost.hidden = true; };
    events.onerror = () => {
      lost.hidden = false;
      if (events.readyState === EventSource.CLOSED) setTimeout(open, 3000); // a server in between said no: the browser gives up
    };
  })();
})();

// Dragging a release to another day leads to the page that asks whether it is meant. Without it, "Move" leads there.
(() => {
  "use strict";
  const days = document.querySelectorAll("[data-day]");
  const hint = document.querySelector("[data-drag]");
  if (!days.length || !document.querySelector("[data-release]")) return;
  hint.hidden = false;
  let carried = "";
  document.addEventListener("dragstart", (event) => {
    const entry = event.target.closest?.("[data-release]");
    carried = entry ? entry.dataset.release : "";
    if (entry) event.dataTransfer.effectAllowed = "move";
    if (entry) event.dataTransfer.setData("text/plain", carried);
  });
  document.addEventListener("dragend", () => (carried = ""));
  for (const day of days) {
    day.addEventListener("dragover", (event) => {
      if (!carried) return;
      event.preventDefault();
      day.classList.add("over");
    });
    day.addEventListener("dragleave", () => day.classList.remove("over"));
    day.addEventListener("drop", (event) => {
      event.preventDefault();
      day.classList.remove("over");
      if (carried) location.assign(`/calendar/move?${new URLSearchParams({ release: carried, day: day.dataset.day })}`);
    });
  }
})();

// A rectangle on the photo that writes the four numbers, and follows them.
(() => {
  "use strict";
  for (const stage of document.querySelectorAll("[data-crop]")) {
    const form = document.getElementById(stage.dataset.crop);
    const photo = stage.querySelector("img");
    const frame = stage.appendChild(document.createElement("div"));
    frame.className = "frame";
    frame.hidden = true;
    const sides = ["x", "y", "width", "height"].map((name) => form.elements[name]);
    const scale = () => photo.clientWidth / Number(photo.getAttribute("width"));
    const draw = () => {
      const [x, y, width, height] = sides.map((side) => Number(side.value) * scale());
      frame.hidden = !form.closest("details").open;
      Object.assign(frame.style, { left: `${x}px`, top: `${y}px`, width: `${width}px`, height: `${height}px` });
    };
    form.addEventListener("input", draw);
    form.closest("details").addEventListener("toggle", draw);
    addEventListener("resize", draw);
    let from = null;
    const at = (event) => {
      const box = photo.getBoundingClientRect();
      const most = [Number(photo.getAttribute("width")), Number(photo.getAttribute("height"))];
      return [event.clientX - box.left, event.clientY - box.top].map((one, axis) => Math.round(Math.min(Math.max(one / scale(), 0), most[axis])));
    };
    stage.addEventListener("pointerdown", (event) => {
      if (!form.closest("details").open) return;
      from = at(event);
      stage.setPointerCapture(event.pointerId);
      event.preventDefault();
    });
    stage.addEventListener("pointermove", (event) => {
      if (!from) return;
      const to = at(event);
      const values = [0, 1].map((axis) => Math.min(from[axis], to[axis])).concat([0, 1].map((axis) => Math.max(16, Math.abs(from[axis] - to[axis]))));
      values.forEach((value, number) => (sides[number].value = value));
      draw();
    });
    stage.addEventListener("pointerup", () => (from = null));
  }
})();

// A box drawn on the photo: with the mouse at any time, with a finger or with keys after the button.
// Boxes here are [x0, y0, x1, y1] as shares of the photo, 0 to 1.

import { percent } from "/static/words.js";

const START = [0.25, 0.2, 0.75, 0.8];
const STEP = 0.02;
const SMALLEST = 0.02;
const DRAG_PX = 6;

const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

function moved([x0, y0, x1, y1], dx, dy) {
  const [across, down] = [clamp(dx, -x0, 1 - x1), clamp(dy, -y0, 1 - y1)];
  return [x0 + across, y0 + down, x1 + across, y1 + down];
}

function sized([x0, y0, x1, y1], dx, dy) {
  return [x0, y0, clamp(x1 + dx, x0 + SMALLEST, 1), clamp(y1 + dy, y0 + SMALLEST, 1)];
}

const inWords = ([x0, y0, x1, y1]) =>
  `Left ${percent(x0)}, top ${percent(y0)}, ${percent(x1 - x0)} wide, ${percent(y1 - y0)} high.`;

export class BoxDrawer {
  // `canDraw` says whether there is a photo to draw on; `found` gets the finished box.
  constructor({ frame, box, toggle, help, place, submit, canDraw, found }) {
    Object.assign(this, { frame, box, toggle, help, place, submit, canDraw, found });
    this.start = null;
    this.armed = false;
    toggle.addEventListener("click", () => (this.armed ? this.disarm() : this.arm()));
    submit.addEventListener("click", () => this.finish());
    box.addEventListener("keydown", (event) => this.key(event));
    frame.addEventListener("pointerdown", (event) => this.down(event));
    frame.addEventListener("pointermove", (event) => this.move(event));
    frame.addEventListener("pointerup", (event) => this.up(event));
    frame.addEventListener("pointercancel", () => this.forget());
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && (this.armed || this.start)) this.leave();
    });
  }

  arm() {
    this.armed = true;
    this.show();
    this.set(START);
    this.box.focus();
    this.frame.scrollIntoView({ block: "nearest" });
  }

  disarm() {
    this.armed = false;
    this.start = null;
    this.show();
  }

  leave() {
    this.disarm();
    this.toggle.focus();
  }

  show() {
    this.toggle.setAttribute("aria-pressed", String(this.armed));
    this.frame.classList.toggle("drawing", this.armed);
    this.help.hidden = !this.armed;
    this.box.hidden = !this.armed;
  }

  set(values) {
    this.values = values;
    const [x0, y0, x1, y1] = values;
    Object.assign(this.box.style, {
      left: `${x0 * 100}%`, top: `${y0 * 100}%`, width: `${(x1 - x0) * 100}%`, height: `${(y1 - y0) * 100}%`,
    });
    if (!this.start) this.place.textContent = inWords(values);
  }

  finish() {
    const values = this.values;
    this.disarm();
    this.found(values);
  }

  key(event) {
    const step = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] }[event.key];
    if (step) {
      event.preventDefault();
      this.set(event.shiftKey ? sized(this.values, ...step) : moved(this.values, ...step));
    } else if (event.key === "Enter") {
      event.preventDefault();
      this.finish();
    }
  }

  pointAt(event) {
    const { left, top, width, height } = this.frame.getBoundingClientRect();
    return [clamp((event.clientX - left) / width, 0, 1), clamp((event.clientY - top) / height, 0, 1)];
  }

  down(event) {
    if (!event.isPrimary || event.button !== 0 || !this.canDraw()) return;
    // A finger that is not asked to draw scrolls the page.
    if (event.pointerType === "touch" && !this.armed) return;
    this.start = { point: this.pointAt(event), x: event.clientX, y: event.clientY, drawing: false };
  }

  move(event) {
    const { start } = this;
    if (!start) return;
    if (!start.drawing) {
      if (Math.hypot(event.clientX - start.x, event.clientY - start.y) < DRAG_PX) return;
      start.drawing = true;
      // From here the click belongs to the frame, not to the garment under the pointer.
      this.frame.setPointerCapture(event.pointerId);
      this.box.hidden = false;
    }
    const [ax, ay] = start.point;
    const [bx, by] = this.pointAt(event);
    this.set([Math.min(ax, bx), Math.min(ay, by), Math.max(ax, bx), Math.max(ay, by)]);
  }

  up(event) {
    const { start } = this;
    if (!start) return;
    this.move(event);
    this.start = null;
    if (!start.drawing) return;
    const [x0, y0, x1, y1] = this.values;
    if (x1 - x0 < SMALLEST || y1 - y0 < SMALLEST) this.forget();
    else this.finish();
  }

  forget() {
    this.start = null;
    if (this.armed) this.set(START);
    else this.box.hidden = true;
  }
}

// A photo taken with the computer's camera. A phone's own camera stands behind a file field instead.

import { at } from "/static/dom.js";
import { clear, complain } from "/static/trouble.js";

const CONSTRAINTS = { video: { width: { ideal: 1920 }, height: { ideal: 1080 } } };
const JPEG_QUALITY = 0.92;
const REASONS = {
  NotAllowedError: "The browser does not let this page use the camera. Allow it beside the address, then try again.",
  NotFoundError: "No camera was found. Connect one, then try again.",
};
const BUSY = "The camera does not answer. Close whatever else uses it, then try again.";
const GONE = "The camera has stopped. See that it is connected, then try again.";
const UNSAFE = "Browsers lend the camera only to pages on https or on this computer. Choose a photo instead.";

let stream = null;
let openings = 0;

function show(state, words) {
  const [live, taken] = [state === "live", state === "taken"];
  clear(at("camera-trouble"));
  at("camera-view").hidden = state === "refused";
  at("camera-video").hidden = !live;
  at("camera-still").hidden = !taken;
  at("camera-take").hidden = !live;
  at("camera-again").hidden = !taken;
  at("camera-use").hidden = !taken;
  at("camera-status").textContent = words;
  // The button that was pressed may be gone.
  at(live ? "camera-take" : taken ? "camera-use" : "camera-cancel").focus();
}

const showLive = () => show("live", "The camera is on. Have the whole garment in the picture.");

function refuse(words, { retry = start } = {}) {
  stop();
  show("refused", "");
  complain(at("camera-trouble"), words, { retry });
}

async function start() {
  const opening = openings;
  show("starting", "Starting the camera. Your browser may ask you first.");
  if (!navigator.mediaDevices) {
    refuse(UNSAFE, { retry: null });
    return;
  }
  try {
    const opened = await navigator.mediaDevices.getUserMedia(CONSTRAINTS);
    // Allowed only after the dialog was closed: nobody would see that the camera is on.
    if (opening !== openings) giveBack(opened);
    else await play(opened);
  } catch (error) {
    if (opening === openings) refuse(REASONS[error.name] ?? BUSY);
  }
}

async function play(opened) {
  stream = opened;
  const [track] = opened.getVideoTracks();
  track.addEventListener("ended", () => { if (!at("camera-video").hidden) refuse(GONE); });
  at("camera-video").srcObject = opened;
  await at("camera-video").play();
  showLive();
}

function giveBack(opened) {
  for (const track of opened.getTracks()) track.stop();
}

function stop() {
  if (stream) giveBack(stream);
  stream = null;
  at("camera-video").srcObject = null;
}

function takeStill() {
  const [video, still] = [at("camera-video"), at("camera-still")];
  [still.width, still.height] = [video.videoWidth, video.videoHeight];
  still.getContext("2d").drawImage(video, 0, 0);
  show("taken", "The photo is taken.");
}

export const closeCamera = () => at("camera-dialog").close();

export function startCamera(take) {
  at("camera-open").addEventListener("click", () => {
    at("camera-dialog").showModal();
    start();
  });
  at("camera-dialog").addEventListener("close", () => {
    openings += 1;
    stop();
  });
  at("camera-take").addEventListener("click", takeStill);
  at("camera-again").addEventListener("click", () => (stream?.active ? showLive() : start()));
  at("camera-cancel").addEventListener("click", closeCamera);
  at("camera-use").addEventListener("click", () => {
    closeCamera();
    at("camera-still").toBlob(take, "image/jpeg", JPEG_QUALITY);
  });
}

// Every way a photo comes in: chosen, taken, dropped, pasted, or one of the server's samples.

import { pictureFile, samples } from "/static/api.js";
import { closeCamera, startCamera } from "/static/camera.js";
import { at, element } from "/static/dom.js";
import { picture } from "/static/pictures.js";

const carriesFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");

export function startPhotoIntake(takePhoto) {
  const take = (file) => {
    closeCamera();
    takePhoto(file);
  };
  startCamera(take);
  for (const id of ["file", "camera"]) {
    at(id).addEventListener("change", () => {
      const [file] = at(id).files;
      at(id).value = "";
      take(file);
    });
  }
  document.addEventListener("paste", (event) => {
    const file = [...(event.clipboardData?.files ?? [])].find((item) => item.type.startsWith("image/"));
    if (file) take(file);
  });
  document.addEventListener("dragover", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    document.body.classList.add("dragging");
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) document.body.classList.remove("dragging");
  });
  document.addEventListener("drop", (event) => {
    document.body.classList.remove("dragging");
    if (!carriesFiles(event)) return;
    event.preventDefault();
    take(event.dataTransfer.files[0]);
  });
}

const spoken = (name) => name.replace(/\.[^.]+$/, "").replace(/[-_]+/g, " ");

// Fills the row of samples; stays away where the server has none, or tells them only with a key.
export async function showSamples({ pick }) {
  let found = [];
  try {
    found = await samples();
  } catch {
    // No samples is no trouble.
  }
  at("samples").hidden = found.length === 0;
  at("sample-list").replaceChildren(...found.map(({ name, image }) => {
    const button = element("button", { type: "button", className: "sample" },
      picture(image), element("span", { className: "unseen", textContent: `Sample ${spoken(name)}` }));
    button.addEventListener("click", () => pick(() => pictureFile(image)));
    return element("li", {}, button);
  }));
}

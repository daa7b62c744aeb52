"use strict";
// What the pages do in a browser beyond htmx: times in the viewer's zone, and copying. All of it works without.

const absolute = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "short" });
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;

function localise(root) {
  for (const time of root.querySelectorAll("time[datetime]:not([data-local])")) {
    const moment = new Date(time.dateTime);
    if (Number.isNaN(moment.valueOf())) continue;
    time.title = `${time.dateTime} (UTC), shown in ${zone}`;
    time.textContent = ("short" in time.dataset ? clock : absolute).format(moment);
    time.dataset.local = "";
  }
}

function copyable(root) {
  for (const button of root.querySelectorAll("button[data-copy]:not([data-ready])")) {
    button.dataset.ready = "";
    button.hidden = !navigator.clipboard;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
      button.textContent = "Copied";
    });
  }
}

function dress(root) {
  localise(root);
  copyable(root);
}

document.addEventListener("DOMContentLoaded", () => dress(document));
document.addEventListener("htmx:load", (event) => dress(event.detail.elt.parentNode ?? document));

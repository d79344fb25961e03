// Counts the remaining hold time down; at its end the page is loaded anew.
"use strict";
for (const shown of document.querySelectorAll("[data-seconds]")) {
  const end = Date.now() + 1000 * Number(shown.dataset.seconds);
  const timer = setInterval(() => {
    const left = Math.max(0, Math.ceil((end - Date.now()) / 1000));
    shown.textContent = `${Math.floor(left / 60)} min ${String(left % 60).padStart(2, "0")} s`;
    if (left === 0) {
      clearInterval(timer);
      location.reload();
    }
  }, 1000);
}

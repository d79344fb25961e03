// Adds what a job tells to its page, and loads the page anew when it has ended.
// Without scripts the page is loaded anew every few seconds.
"use strict";
const lines = document.getElementById("lines");
const source = new EventSource(lines.dataset.events);
source.onmessage = (event) => {
  lines.append((lines.textContent ? "\n" : "") + event.data);
  lines.scrollTop = lines.scrollHeight;
};
source.addEventListener("end", () => {
  source.close();
  location.reload();
});

// Everything works without this script. It adds buttons to copy an answer and to tidy JSON, and keeps the place on the page.
"use strict";
(() => {
  const button = (text, act) => {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = text;
    made.addEventListener("click", () => act(made));
    return made;
  };

  for (const block of document.querySelectorAll("[data-copy]")) {
    const text = block.textContent;
    const copy = button("Copy", async () => {
      try {
        await navigator.clipboard.writeText(text);
        copy.textContent = "Copied";
      } catch {
        getSelection().selectAllChildren(block.querySelector("code"));
        copy.textContent = "Selected";
      }
    });
    copy.className = "copy";
    copy.setAttribute("aria-live", "polite");
    block.after(copy);
  }

  for (const area of document.querySelectorAll("textarea[data-json]")) {
    const tidy = button("Tidy JSON", () => {
      try {
        area.value = JSON.stringify(JSON.parse(area.value), null, 4);
        area.setCustomValidity("");
      } catch (error) {
        area.setCustomValidity(error.message);
        area.reportValidity();
      }
    });
    area.addEventListener("input", () => area.setCustomValidity(""));
    area.form.append(" ", tidy);
  }

  const wrong = document.querySelector("[aria-invalid=true]");
  try {
    const place = JSON.parse(sessionStorage.getItem("place"));
    sessionStorage.removeItem("place");
    if (wrong && place && place.path === location.pathname) scrollTo(0, place.top);
    for (const form of document.querySelectorAll("main form")) {
      form.addEventListener("submit", () => {
        sessionStorage.setItem("place", JSON.stringify({ path: location.pathname, top: scrollY }));
      });
    }
  } catch {
    // A browser may forbid storage.
  }
  if (wrong) wrong.focus({ preventScroll: true });
})();

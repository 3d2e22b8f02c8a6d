// What scrolls sideways can be reached and moved with the keyboard.
(() => {
  const boxes = "article :is(figure, pre, div, dt, table, span.math, mjx-container)";
  let waiting = 0;
  const look = () => {
    for (const box of document.querySelectorAll(boxes)) {
      const scrolls =
        box.scrollWidth > box.clientWidth + 1 &&
        ["auto", "scroll"].includes(getComputedStyle(box).overflowX);
      if (scrolls && box.tabIndex < 0) {
        box.tabIndex = 0;
        box.dataset.scrolls = "";
      } else if (!scrolls && "scrolls" in box.dataset) {
        box.removeAttribute("tabindex");
        delete box.dataset.scrolls;
      }
    }
  };
  const soon = () => {
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(look);
  };
  addEventListener("resize", soon);
  addEventListener("toggle", soon, true);
  addEventListener("load", () => {
    soon();
    window.MathJax?.startup?.promise?.then(soon);
  });
})();

// Paper is white.
(() => {
  const page = document.documentElement;
  let before = null;
  addEventListener("beforeprint", () => {
    before = before ?? page.dataset.theme;
    page.dataset.theme = "light";
  });
  addEventListener("afterprint", () => {
    page.dataset.theme = before ?? page.dataset.theme;
    before = null;
  });
})();

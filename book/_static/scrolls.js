/* What is wider than its box shows at which edge it goes on, and can be scrolled by keyboard. */
(() => {
  const boxes = "article :is(figure, pre, div, dt, table)";
  const scrollable = ["auto", "scroll"];
  let waiting = 0;
  const show = (box) => {
    const hidden = box.scrollWidth - box.clientWidth;
    const scrolls = hidden > 1 && scrollable.includes(getComputedStyle(box).overflowX);
    if (!scrolls && !box.classList.contains("scrolls")) return;
    box.classList.toggle("scrolls", scrolls);
    box.classList.toggle("scrolls-left", scrolls && box.scrollLeft > 1);
    box.classList.toggle("scrolls-right", scrolls && box.scrollLeft < hidden - 1);
    if (scrolls) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  };
  const look = () => {
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(() => document.querySelectorAll(boxes).forEach(show));
  };
  for (const what of ["DOMContentLoaded", "load", "resize"]) addEventListener(what, look);
  addEventListener("toggle", look, true);
  addEventListener("load", (event) => event.target.tagName === "IMG" && look(), true);
  addEventListener("scroll", ({ target }) => target.closest?.(boxes) && show(target), true);
})();

/* What is wider than its box shows at which edge it goes on, and can be scrolled by keyboard. */
document.addEventListener("DOMContentLoaded", () => {
  const boxes = document.querySelectorAll(
    ".bd-article :is(.formula, .formula-body, pre, .text_html, figure, " +
      ".pst-scrollable-table-container, dt.sig)"
  );
  const show = (box) => {
    const hidden = box.scrollWidth - box.clientWidth;
    const scrolls = hidden > 1 && getComputedStyle(box).overflowX !== "visible";
    box.classList.toggle("scrolls", scrolls);
    box.classList.toggle("scrolls-left", scrolls && box.scrollLeft > 1);
    box.classList.toggle("scrolls-right", scrolls && box.scrollLeft < hidden - 1);
    if (scrolls && !box.hasAttribute("tabindex")) {
      box.tabIndex = 0;
      box.setAttribute("role", "region");
      box.setAttribute("aria-label", "scrolls sideways");
    }
  };
  const watch = new ResizeObserver((entries) => entries.forEach(({ target }) => show(target)));
  boxes.forEach((box) => {
    box.addEventListener("scroll", () => show(box), { passive: true });
    watch.observe(box);
  });
});

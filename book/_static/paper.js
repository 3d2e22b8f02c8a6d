/* Paper is white. */
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

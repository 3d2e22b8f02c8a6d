/* An explorable is loaded when it comes near the screen, or when the page's address is about it. */
(() => {
  const base = document.currentScript.src.replace(/[^/]*$/, "");
  const load = (path) =>
    new Promise((done, failed) => {
      const script = document.createElement("script");
      Object.assign(script, { src: `${base}${path}.js`, onload: done, onerror: failed });
      document.head.append(script);
    });
  const start = async (box) => {
    if (box.dataset.started) return;
    box.dataset.started = "loading";
    const paths = ["explorables/shared", "../vendor/measures_data"];
    const words = (list = "") => list.split(" ").filter(Boolean);
    paths.push(...words(box.dataset.needs).map((name) => `../vendor/${name}_data`));
    paths.push(...words(box.dataset.parts).map((name) => `explorables/${name}`));
    try {
      for (const path of [...paths, `explorables/${box.dataset.explorable}`]) await load(path);
      explore.start(box);
      box.dataset.started = "yes";
    } catch {
      box.append(" It could not be loaded.");
      box.dataset.started = "no";
    }
  };
  addEventListener("DOMContentLoaded", () => {
    const look = (seen) => {
      for (const { target, isIntersecting } of seen) if (isIntersecting) start(target);
    };
    const near = new IntersectionObserver(look, { rootMargin: "200px" });
    for (const box of document.querySelectorAll("[data-explorable]")) {
      if (location.hash === `#${box.id}`) start(box);
      else near.observe(box);
    }
  });
})();

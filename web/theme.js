// Which theme is shown: what the person chose, else what the system says. Runs before anything is painted.
(() => {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const show = () => {
    let chosen = null;
    try { chosen = localStorage.getItem("theme"); } catch { /* no storage: the system decides */ }
    document.documentElement.dataset.theme = chosen === "dark" || chosen === "light" ? chosen : dark.matches ? "dark" : "light";
  };
  dark.addEventListener("change", show);
  addEventListener("theme", show);
  show();
})();

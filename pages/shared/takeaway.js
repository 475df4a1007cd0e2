// Saves the figure of the dialog as it is previewed, with the reader's own browser.
(() => {
  if (window.takesAway) return;
  window.takesAway = true;
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("button.take-away");
    const chart = button?.closest('[role="dialog"]')?.querySelector(".js-plotly-plot");
    if (!chart || !window.Plotly) return;
    const {format, scale, name} = button.dataset;
    const {width, height} = chart._fullLayout;
    window.Plotly.downloadImage(
      chart, {format, width, height, scale: Number(scale), filename: name});
  });
})();

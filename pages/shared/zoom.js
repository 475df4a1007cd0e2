// Streamlit mounts a chart anew whenever its data change, and the reader's zoom would be lost.
// So ranges are kept by the figure's uirevision (runs, axis, scale) and set again on mounting.
(() => {
  if (window.keptZoom) return;
  window.keptZoom = {};
  const attach = (chart) => {
    if (chart.followed || !chart.on || !chart.layout) return;
    chart.followed = true;
    const kept = (window.keptZoom[chart.layout.uirevision] ??= {});
    if (Object.keys(kept).length) window.Plotly.relayout(chart, {...kept});
    chart.on("plotly_relayout", (change) => {
      for (const [name, value] of Object.entries(change)) {
        if (/axis\d*\.range/.test(name)) kept[name] = value;
        if (/axis\d*\.autorange/.test(name))
          for (const old of Object.keys(kept))
            if (old.split(".")[0] === name.split(".")[0]) delete kept[old];
      }
    });
  };
  const look = () => document.querySelectorAll(".js-plotly-plot").forEach(attach);
  new MutationObserver(look).observe(document.body, {childList: true, subtree: true});
  look();
})();

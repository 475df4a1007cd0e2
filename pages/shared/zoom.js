// Streamlit mounts a chart anew whenever its data change, and the reader's zoom and the lines hidden
// in the legend would be lost. So both are kept by the figure's uirevision (runs, axis, scale) and
// set again on mounting.
(() => {
  if (window.keptZoom) return;
  window.keptZoom = {};
  // New rows may add traces, so a trace is known by its names, not by its place.
  const keys = (chart) => {
    const seen = {};
    return chart.data.map((trace) => {
      const name = `${trace.legendgroup ?? ""}|${trace.name ?? ""}`;
      seen[name] = (seen[name] ?? 0) + 1;
      return `${name}|${seen[name]}`;
    });
  };
  const restore = (chart, kept) => {
    if (Object.keys(kept.ranges).length) window.Plotly.relayout(chart, {...kept.ranges});
    const named = keys(chart);
    const places = named.map((_, place) => place).filter((place) => named[place] in kept.visible);
    if (places.length)
      window.Plotly.restyle(chart, {visible: places.map((p) => kept.visible[named[p]])}, places);
  };
  const attach = (chart) => {
    if (chart.followed || !chart.on || !chart.layout) return;
    chart.followed = true;
    const kept = (window.keptZoom[chart.layout.uirevision] ??= {ranges: {}, visible: {}});
    restore(chart, kept);
    chart.on("plotly_relayout", (change) => {
      for (const [name, value] of Object.entries(change)) {
        if (/axis\d*\.range/.test(name)) kept.ranges[name] = value;
        if (/axis\d*\.autorange/.test(name))
          for (const old of Object.keys(kept.ranges))
            if (old.split(".")[0] === name.split(".")[0]) delete kept.ranges[old];
      }
    });
    chart.on("plotly_restyle", ([change, places]) => {
      if (!("visible" in change)) return;
      const values = [change.visible].flat();
      const named = keys(chart);
      places.forEach((place, at) => (kept.visible[named[place]] = values[at % values.length]));
    });
  };
  const look = () => document.querySelectorAll(".js-plotly-plot").forEach(attach);
  new MutationObserver(look).observe(document.body, {childList: true, subtree: true});
  look();
})();

// Streamlit mounts a chart anew whenever its data change, and draws a mounted one again whenever it
// likes: the reader's zoom and the lines hidden in the legend would be lost. So both are kept by the
// figure's uirevision (runs, axis, scale) and set again after each drawing that is not the reader's.
(() => {
  if (window.keptZoom) return;
  window.keptZoom = {};
  const keptOf = (chart) =>
    (window.keptZoom[chart.layout?.uirevision] ??= {ranges: {}, visible: {}});
  // New rows may add traces, so a trace is known by its names, not by its place.
  const keys = (chart) => {
    const seen = {};
    return chart.data.map((trace) => {
      const name = `${trace.legendgroup ?? ""}|${trace.name ?? ""}`;
      seen[name] = (seen[name] ?? 0) + 1;
      return `${name}|${seen[name]}`;
    });
  };
  const shown = (chart, name) => {
    const [axis, end] = name.split(".range");
    const range = chart._fullLayout?.[axis]?.range;
    return end ? range?.[Number(end.slice(1, -1))] : range;
  };
  const restore = (chart) => {
    const kept = keptOf(chart);
    const moved = Object.entries(kept.ranges).filter(
      ([name, value]) => String(shown(chart, name)) !== String(value));
    if (moved.length) window.Plotly.relayout(chart, Object.fromEntries(moved));
    const named = keys(chart);
    const places = named.map((_, place) => place).filter((place) =>
      named[place] in kept.visible
      && (chart.data[place].visible ?? true) !== kept.visible[named[place]]);
    if (places.length)
      window.Plotly.restyle(chart, {visible: places.map((p) => kept.visible[named[p]])}, places);
  };
  const attach = (chart) => {
    // Emptied and drawn again, an element has a new `on`, and nothing of ours listens any more.
    if (!chart.on || !chart.layout || chart.followed === chart.on) return;
    chart.followed = chart.on;
    restore(chart);
    chart.on("plotly_react", () => restore(chart));
    chart.on("plotly_relayout", (change) => {
      const {ranges} = keptOf(chart);
      for (const [name, value] of Object.entries(change)) {
        if (/axis\d*\.range/.test(name)) ranges[name] = value;
        if (/axis\d*\.autorange/.test(name))
          for (const old of Object.keys(ranges))
            if (old.split(".")[0] === name.split(".")[0]) delete ranges[old];
      }
    });
    chart.on("plotly_restyle", ([change, places]) => {
      if (!("visible" in change)) return;
      const values = [change.visible].flat();
      const named = keys(chart);
      const {visible} = keptOf(chart);
      places.forEach((place, at) => (visible[named[place]] = values[at % values.length]));
    });
  };
  const look = () => document.querySelectorAll(".js-plotly-plot").forEach(attach);
  new MutationObserver(look).observe(document.body, {childList: true, subtree: true});
  look();
})();
